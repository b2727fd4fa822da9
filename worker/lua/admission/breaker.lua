-- One provider's breaker: functions that read it, ask it and change its state.
--
-- Assembled by worker/store/scripts.py: SETTINGS, clock.lua, event.lua, limits.lua, retry_budget.lua and
-- first_tokens.lua come before; score.lua, first_admitting.lua, acquire.lua, record.lua, admissions.lua, control.lua,
-- extend.lua, probed.lua, snapshot.lua, stalls.lua and parking/release.lua after it.
--
-- Keys of one provider, all in one slot by the hash tag of the namespace:
--   {ns}:2:breaker:<provider>          hash, fields below; 24 h from the last write; no expiry under an override
--   {ns}:2:breaker:<provider>:window   string, ring of the last 100 outcomes, 4 bytes each: 1 of flag, 3 of latency in
--                                      ms; lives as long as the hash
--   {ns}:2:breaker:<provider>:permits  zset, half-open only: permit's id -> deadline in ms, plus 0.5 once extended
--   {ns}:2:events                      stream, about 10,000 entries
--   {ns}:2:metrics                     hash, see lua/telemetry/count.lua: its fields `breaker_transitions`
--
-- SETTINGS, by provider: failures, successes (counts), cooldown, permit_ms (ms), detect_failures, detect_latency,
-- learn_first_tokens, detect_stalls (off | observe | on), retry_share (0 to 1), min_retries (a minute), and text: all
-- of these in this order, separated by /; tiers (names); limits, see limits.lua.
-- No field's value is longer than 64 bytes: Redis would store the hash in several times the memory.

local KEEP = 86400            -- s that a key is kept after its last write
local RING = 100              -- outcomes in the window
local LONGEST_COOLDOWN = 600000
local QUOTA, LONGEST_QUOTA = 600000, 3600000
local LONGEST_RETRY_AFTER = 3600000
local HALF_OPEN_RETRY = 1000  -- ms until others may ask again while a half-open permit is taken
local NEVER = -1
local FAILED = 2              -- flag of a failure in the ring; a success is 1
local MOST_FAILED_PROBES = 3  -- consecutive failed probes that make a provider unhealthy
local FEW, TENTH = 10, 0.1    -- from FEW calls in the window on, a larger share of failures means degraded

-- Fields of the hash; one that is not stored is 0 or ''.
--   state                 closed | open | half-open
--   generation            rises with every change of state: max(old + 1, TIME in ms)
--   open_until            ms
--   limited_until         ms; nothing is admitted before it
--   deprioritised_until   ms; until then it is asked last
--   override              open | closed, set by an operator
--   override_until        ms; 0 is without end
--   override_by           ms at which it was set, a blank, and who did, at most 40 bytes
--   auth_locked           1 after a 401, until an authenticated probe or an operator clears it
--   refused               fingerprints of the keys that were refused since the last lock began, separated by blanks;
--                         one that a probe finds accepted leaves
--   seen                  ms; the latest time of any write, so that this breaker's time never runs back
--   opens                 consecutive openings
--   half_open_successes   successes while half-open
--   quota                 consecutive openings for an exhausted quota
--   consecutive_failures, consecutive_successes
--   first, several        the request of the first consecutive failure; 1 once another request has failed too
--   count, failed, index  of the ring: entries, failures among them, next place
--   error, error_at       the last failure in a few words, and when (ms)
--   failure_sum, failure_base  of the failure detector, in millionths; see detectors.lua
--   sum_first, sum_several     as first and several, for the failures since the detector's sum was last 0
--   latency_sum, latency_mean, latency_variance  of the latency detector, in millionths
--   latency_count         first tokens in its baseline, until there are enough
--   usual_mean, usual_age, usual_at, slow_since  of the long baseline, see slowness.lua
--   budget_calls, budget_retries, budget_at      of the retry budget, see retry_budget.lua
--   usual:<tier>, censored_at  what is usual of first tokens, and ms of the last silence learned: first_tokens.lua
--   score:<tier>, speed:<tier>, load, hot_until  of a provider that is chosen by its score, see score.lua
--   failed_probes         consecutive failed probes
--   unhealthy             ms of the event provider-unhealthy, until provider-recovered
--   settings, others      the last two settings that wrote here
local TEXT = {
  state = true, override = true, override_by = true, first = true, error = true, sum_first = true,
  settings = true, others = true, refused = true,
}

-- Returns a breaker with these fields as stored. What is assigned to it stays in Lua until `write_breaker`.
local function breaker(stored)
  return setmetatable({}, { stored = stored, __index = function(_, field)
    local value = stored[field]
    if TEXT[field] then return value or '' end
    return tonumber(value) or 0
  end })
end

-- Returns the breaker, nil where none is stored, and its time. An override that has run out is left out.
local function read_breaker(key, time)
  local flat = redis.call('HGETALL', key)
  if not flat[1] then return nil, time end
  local stored = {}
  for i = 1, #flat, 2 do stored[flat[i]] = flat[i + 1] end
  local b = breaker(stored)
  local now = math.max(time, b.seen)
  if b.override ~= '' and b.override_until > 0 and now >= b.override_until then
    b.override, b.override_until = '', 0
  end
  return b, now
end

-- Returns a closed breaker that nobody has asked yet.
local function new_breaker(now)
  local b = breaker({})
  b.state, b.generation = 'closed', now
  return b
end

-- Returns healthy | degraded | unhealthy, and the most severe cause.
local function health(b, now)
  if b.auth_locked == 1 then return 'unhealthy', 'authentication' end
  if b.state ~= 'closed' then return 'unhealthy', 'circuit-breaker' end
  if b.failed_probes >= MOST_FAILED_PROBES then return 'unhealthy', 'probes' end
  if b.failed_probes > 0 then return 'degraded', 'probes' end
  if b.limited_until > now then return 'degraded', 'rate-limited' end
  if b.deprioritised_until > now then return 'degraded', 'latency' end
  if b.count >= FEW and b.failed > b.count * TENTH then return 'degraded', 'failures' end
  return 'healthy', ''
end

-- Writes an event where other settings wrote here before. It remembers two, as two take turns during a rollout.
local function compare_settings(b, provider, events, now)
  local mine = SETTINGS[provider].text
  if b.settings == mine or b.others == mine then return end
  if b.settings ~= '' then
    b.others = b.settings
    add_event(events, 'breaker-settings-differ', provider, now, 'here', mine, 'there', b.others)
  end
  b.settings = mine
end

-- Writes the fields that changed, and an event where the provider became unhealthy or recovered.
local function write_breaker(key, b, now, provider, events)
  b.seen = now
  compare_settings(b, provider, events, now)
  local status, cause = health(b, now)
  local unhealthy = status == 'unhealthy'
  if unhealthy ~= (b.unhealthy > 0) then
    b.unhealthy = unhealthy and now or 0
    add_event(events, unhealthy and 'provider-unhealthy' or 'provider-recovered', provider, now, 'cause', cause)
  end
  local changed, n, was = {}, 0, getmetatable(b).stored
  for field, value in pairs(b) do
    local text = type(value) == 'string' and value or string.format('%.0f', value)
    if text ~= (was[field] or TEXT[field] and '' or '0') then
      changed[n + 1], changed[n + 2] = field, text
      n = n + 2
    end
  end
  if n > 0 then redis.call('HSET', key, unpack(changed)) end
  for _, kept in ipairs({ key, key .. ':window' }) do  -- counts without their window would never fall
    if b.override ~= '' then redis.call('PERSIST', kept) else redis.call('EXPIRE', kept, KEEP) end
  end
end

-- Changes the state. The generation rises, so results of earlier permits no longer count.
local function change_state(b, to, now, key)
  b.state, b.generation, b.half_open_successes = to, math.max(b.generation + 1, now), 0
  b.failure_sum, b.sum_first, b.sum_several = 0, '', 0
  redis.call('DEL', key .. ':permits')
end

-- Opens for `length` ms plus up to a tenth; `draw` is 0 to 999. Arguments after `cause` are fields of the event.
local function open_for(b, provider, key, events, now, length, draw, cause, ...)
  change_state(b, 'open', now, key)
  b.opens = b.opens + 1
  b.open_until = now + math.floor(length * (1 + draw / 10000))
  add_event(events, 'circuit-breaker-open', provider, now, 'cause', cause, 'failures', b.consecutive_failures,
    'open_until_ms', string.format('%.0f', b.open_until), 'opens', b.opens, ...)
end

-- Opens for the cooldown, doubled for each opening in a row.
local function open_for_cooldown(b, provider, key, events, now, draw, cause, ...)
  local cooldown = SETTINGS[provider].cooldown
  local length = math.min(cooldown * 2 ^ math.min(b.opens, 30), math.max(LONGEST_COOLDOWN, cooldown))
  open_for(b, provider, key, events, now, length, draw, cause, ...)
end

-- Returns nil where the breaker admits at `now`; else the reason and the ms at which to ask again.
local function refusal(b, key, now)
  if b.override == 'closed' then return nil end
  if b.override == 'open' then
    return 'forced-open', b.override_until > 0 and b.override_until or NEVER
  end
  if b.auth_locked == 1 then return 'authentication', NEVER end
  if b.limited_until > now then return 'rate-limited', b.limited_until end
  if b.state == 'open' and now < b.open_until then return 'open', b.open_until end
  if b.state == 'half-open' then
    local after = '(' .. string.format('%.0f', now)
    if redis.call('ZCOUNT', key .. ':permits', after, '+inf') > 0 then return 'half-open', now + HALF_OPEN_RETRY end
  end
  return nil
end

-- Takes a permit from a breaker that admits; returns its generation, and 1 where it is a half-open permit, else 0.
local function grant_permit(b, provider, key, events, now, permit_id, is_retry)
  if is_retry then add_to_retry_budget(b, now, 0, 1) end
  if b.override == 'closed' or b.state == 'closed' then
    if is_retry then write_breaker(key, b, now, provider, events) end
    return b.generation, 0
  end
  if b.state == 'open' then
    change_state(b, 'half-open', now, key)
    add_event(events, 'circuit-breaker-half-open', provider, now)
  end
  write_breaker(key, b, now, provider, events)
  local permits = key .. ':permits'
  redis.call('ZREMRANGEBYSCORE', permits, '-inf', string.format('%.0f', now))
  redis.call('ZADD', permits, string.format('%.0f', now + SETTINGS[provider].permit_ms), permit_id)
  redis.call('EXPIRE', permits, KEEP)
  return b.generation, 1
end
