-- One provider's breaker: reading it, asking it, changing its state. Stands before acquire.lua, record.lua,
-- control.lua, extend.lua, probed.lua and snapshot.lua; clock.lua and the table SETTINGS stand before it.
--
-- Keys of one provider, all in one slot by the hash tag of the namespace:
--   {ns}:breaker:<provider>         hash, fields below; 24 h, refreshed at every write; no expiry under an override
--   {ns}:breaker:<provider>:window  string, ring of the last 100 outcomes, 4 bytes each: flag, latency in ms;
--                                   lives as long as the hash
--   {ns}:breaker:<provider>:leases  zset, half-open only: permit -> deadline in ms, plus a half once extended
--   {ns}:events                     stream, about 10,000 entries
--
-- SETTINGS, by provider: failures, successes (counts), cooldown, lease (ms), detect_failures, detect_latency (off |
-- observe | on), and text, which is all of these in this order with / between.
-- No value of ours is longer than 64 bytes: with one that is, Redis keeps a hash in several times the memory.

local KEEP = 86400            -- s that a key outlives its last write
local RING = 100              -- outcomes in the window
local LONGEST_COOLDOWN = 600000
local QUOTA, LONGEST_QUOTA = 600000, 3600000
local LONGEST_RETRY_AFTER = 3600000
local ASK_AGAIN = 1000        -- ms until others may ask again while a half-open lease is taken
local NEVER = -1
local FAILED = 2              -- flag of a failure in the ring; a success is 1
local MISSES = 3              -- probes in a row without an answer that make a provider unhealthy
local FEW, TENTH = 10, 0.1    -- calls in the window from which on this share of failures makes it degraded

-- Fields of the hash; one that is not stored is 0 or ''.
--   state            closed | open | half-open
--   generation       rises with every change of state: max(old + 1, TIME in ms)
--   open_until       ms
--   limited_until    ms; nothing is admitted before it
--   demoted_until    ms; asked last before it
--   override         open | closed, by an operator
--   override_until   ms; 0 is without end
--   locked           1 after a 401, until an authenticated probe or an operator clears it
--   seen             ms; the latest time that this key has known: its time never runs back
--   opens, passed    openings in a row; successes while half-open
--   quota            openings in a row for an exhausted quota
--   streak, wins     failures, successes in a row
--   first, several   request of the streak's first failure; 1 when it comes from at least two requests
--   count, failed, index                   of the ring: entries, failures among them, next place
--   error, error_at                        the last failure in a few words, and when (ms)
--   failure_sum, failure_base              of the failure detector, in millionths; see detectors.lua
--   sum_first, sum_several                 as first and several, of the failures since its sum was last 0
--   latency_sum, latency_mean, latency_variance  of the latency detector, in millionths
--   latency_count    first tokens that its baseline comes from, until there are enough
--   misses           probes in a row without an answer
--   ill              1 from the event that told it unhealthy until the one that told it recovered
--   settings, others the last two settings that wrote here
local TEXT = {
  state = true, override = true, first = true, error = true, sum_first = true, settings = true, others = true,
}

-- Returns a breaker that has these fields as stored; what is assigned to it stands beside them until `write`.
local function breaker(stored)
  return setmetatable({}, { stored = stored, __index = function(_, field)
    local value = stored[field]
    if TEXT[field] then return value or '' end
    return tonumber(value) or 0
  end })
end

-- Returns the breaker, nil where there is none, and its time.
local function read(key, time)
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

local function fresh(now)
  local b = breaker({})
  b.state, b.generation = 'closed', now
  return b
end

local function tell(events, kind, provider, now, ...)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
    'type', kind, 'provider', provider, 'at_ms', string.format('%.0f', now), ...)
end

-- Returns healthy | degraded | unhealthy, and the cause.
local function health(b, now)
  if b.locked == 1 then return 'unhealthy', 'authentication' end
  if b.state ~= 'closed' then return 'unhealthy', 'circuit-breaker' end
  if b.misses >= MISSES then return 'unhealthy', 'probes' end
  if b.misses > 0 then return 'degraded', 'probes' end
  if b.limited_until > now then return 'degraded', 'rate-limited' end
  if b.demoted_until > now then return 'degraded', 'latency' end
  if b.count >= FEW and b.failed > b.count * TENTH then return 'degraded', 'failures' end
  return 'healthy', ''
end

-- Warns once where other settings wrote here before; during a rollout two of them take turns.
local function compare_settings(b, provider, events, now)
  local mine = SETTINGS[provider].text
  if b.settings == mine or b.others == mine then return end
  if b.settings ~= '' then
    b.others = b.settings
    tell(events, 'breaker-settings-differ', provider, now, 'here', mine, 'there', b.others)
  end
  b.settings = mine
end

-- Writes what changed, and tells it where the provider became unhealthy or recovered.
local function write(key, b, now, provider, events)
  b.seen = now
  compare_settings(b, provider, events, now)
  local status, cause = health(b, now)
  local ill = status == 'unhealthy' and 1 or 0
  if ill ~= b.ill then
    b.ill = ill
    tell(events, ill == 1 and 'provider-unhealthy' or 'provider-recovered', provider, now, 'cause', cause)
  end
  local changed, n, was = {}, 0, getmetatable(b).stored
  for field, value in pairs(b) do
    local text = TEXT[field] and value or string.format('%.0f', value)
    if text ~= (was[field] or TEXT[field] and '' or '0') then
      changed[n + 1], changed[n + 2] = field, text
      n = n + 2
    end
  end
  if n > 0 then redis.call('HSET', key, unpack(changed)) end
  for _, kept in ipairs({ key, key .. ':window' }) do  -- counts that outlive their window never come down again
    if b.override ~= '' then redis.call('PERSIST', kept) else redis.call('EXPIRE', kept, KEEP) end
  end
end

-- Moves to a state: the generation rises, so whatever was acquired before changes nothing any more.
local function move(b, to, now, key)
  b.state, b.generation, b.passed = to, math.max(b.generation + 1, now), 0
  b.failure_sum, b.sum_first, b.sum_several = 0, '', 0
  redis.call('DEL', key .. ':leases')
end

-- Opens for `length` ms plus up to a tenth; `draw` is 0 to 999. What follows the cause is told with it.
local function open(b, provider, key, events, now, length, draw, cause, ...)
  move(b, 'open', now, key)
  b.opens = b.opens + 1
  b.open_until = now + math.floor(length * (1 + draw / 10000))
  tell(events, 'circuit-breaker-open', provider, now, 'cause', cause, 'failures', b.streak,
    'open_until_ms', string.format('%.0f', b.open_until), 'opens', b.opens, ...)
end

local function trip(b, provider, key, events, now, draw, cause, ...)
  local cooldown = SETTINGS[provider].cooldown
  local length = math.min(cooldown * 2 ^ math.min(b.opens, 30), math.max(LONGEST_COOLDOWN, cooldown))
  open(b, provider, key, events, now, length, draw, cause, ...)
end

-- Returns nil where the breaker admits at `now`; else the reason and the ms at which to ask again.
local function refusal(b, key, now)
  if b.override == 'closed' then return nil end
  if b.override == 'open' then
    return 'forced-open', b.override_until > 0 and b.override_until or NEVER
  end
  if b.locked == 1 then return 'authentication', NEVER end
  if b.limited_until > now then return 'rate-limited', b.limited_until end
  if b.state == 'open' and now < b.open_until then return 'open', b.open_until end
  if b.state == 'half-open' then
    local after = '(' .. string.format('%.0f', now)
    if redis.call('ZCOUNT', key .. ':leases', after, '+inf') > 0 then return 'half-open', now + ASK_AGAIN end
  end
  return nil
end

-- Takes a permit from a breaker that admits; returns its generation, and 1 where it is a half-open lease, else 0.
local function grant(b, provider, key, events, now, permit)
  if b.override == 'closed' or b.state == 'closed' then return b.generation, 0 end
  if b.state == 'open' then
    move(b, 'half-open', now, key)
    tell(events, 'circuit-breaker-half-open', provider, now)
  end
  write(key, b, now, provider, events)
  local leases = key .. ':leases'
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', string.format('%.0f', now))
  redis.call('ZADD', leases, string.format('%.0f', now + SETTINGS[provider].lease), permit)
  redis.call('EXPIRE', leases, KEEP)
  return b.generation, 1
end

-- Asks KEYS[first..] (providers ARGV[names..]) in order and takes a permit from the first that admits, from one that
-- is demoted only where no other does.
-- Returns {'next' | 'none', place from 1, generation, leased, ms at which one will admit, time, reason, until, ...};
-- the pairs at its end are those asked before the decision, in order; the reason is '' for the one that admits.
local function walk(first, names, events, time, permit)
  local earliest, over, last = NEVER, {}, nil
  for i = first, #KEYS do
    local key, provider = KEYS[i], ARGV[names + i - first]
    local b, now = read(key, time)
    if not b then
      b = fresh(now)
      write(key, b, now, provider, events)
    end
    local reason, at = refusal(b, key, now)
    if not reason and b.demoted_until > now and b.override == '' then
      reason, at = 'demoted', b.demoted_until
      last = last or { i, b, now }
    elseif not reason then
      local generation, leased = grant(b, provider, key, events, now, permit)
      return { 'next', i - first + 1, generation, leased, NEVER, time, unpack(over) }
    elseif at ~= NEVER and (earliest == NEVER or at < earliest) then
      earliest = at
    end
    over[#over + 1] = reason
    over[#over + 1] = at
  end
  if not last then return { 'none', 0, 0, 0, earliest, time, unpack(over) } end
  local i, b, now = unpack(last)
  over[2 * (i - first) + 1] = ''
  local generation, leased = grant(b, ARGV[names + i - first], KEYS[i], events, now, permit)
  return { 'next', i - first + 1, generation, leased, NEVER, time, unpack(over) }
end

-- Notes in a task's hash the provider that its holder may ask now, '' for none: should it die, this is what is known.
local function note_asked(task, token, provider, time)
  if token == '' then return end
  if provider == '' then redis.call('HDEL', task, 'asked') return end
  redis.call('HSET', task, 'asked', provider .. ' ' .. string.format('%.0f', time))
end

-- True where the task's lease is `token`'s, or where nobody asks about one.
local function held(task, token)
  return token == '' or redis.call('HGET', task, 'holder') == token
end
