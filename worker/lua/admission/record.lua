-- Records one attempt's outcome and returns what comes next: the same provider, or a permit from the next one.
--
-- KEYS[1]   {ns}:2:task:<id>   hash; has the lease that a permit needs; `asked` is set to the provider granted, and
--           `tried` of a failed attempt
-- KEYS[2]   {ns}:2:events      stream
-- KEYS[3]   {ns}:2:breaker:<provider> of the attempt
-- KEYS[4..] {ns}:2:breaker:<provider> of the remaining providers
-- ARGV[1]   the task's id
-- ARGV[2]   the lease id; '' needs no lease
-- ARGV[3]   the next permit's id
-- ARGV[4]   success | failure | rate-limited | quota | authentication | ignored; after `authentication` and a blank may
--           stand the fingerprint of the key that was refused
-- ARGV[5]   the attempt's generation
-- ARGV[6]   the attempt's half-open permit; '' where it had none
-- ARGV[7]   latency, ms
-- ARGV[8]   Retry-After, ms; 0 for none
-- ARGV[9]   countdown of a retry on this provider, ms; -1 for none
-- ARGV[10]  a random number of 0 to 999 from the caller: a script's own random numbers repeat
-- ARGV[11]  the failure in a few words; '' for a success
-- ARGV[12]  time to first token, ms; 0 where it is not known. Where it is to be learned, three words follow: the tier,
--           the tokens of the prompt, and ms of silence where the attempt ended without a token, else 0
-- ARGV[13]  the providers that failed this completion since its last fresh round, separated by blanks
-- ARGV[14]  the provider of the attempt
-- ARGV[15]  the attempt's slot; '' where nothing was reserved, ARGV[16] ms of the reservation
-- ARGV[17]  what it used beside that, see `settle` in limits.lua
-- ARGV[18]  what it cost, see ledger.lua; '' for nothing
-- ARGV[19]  what the completion will use next, see limits.lua
-- ARGV[20]  what it teaches of scores, see learn_score.lua; '' for nothing
-- ARGV[21..] the remaining providers, as KEYS[4..]
-- Returns {1 where it counted, the new state or '' without a change, what comes next, the ms to which the retry budget
-- postpones the retry or 0}. What comes next is a reply of `first_admitting`, {'retry'} or {'lease-lost'}.

local task, events, key = unpack(KEYS, 1, 3)
local request, lease_id, next_permit, outcome, generation, permit = unpack(ARGV, 1, 6)
local latency, retry_after, countdown, draw = unpack(ARGV, 7, 10)
local failure, first_token, tried, provider = unpack(ARGV, 11, 14)
local slot, reserved_at, settlement, ledger, demand, sample = unpack(ARGV, 15, 20)
local refused
outcome, refused = string.match(outcome, '^(%S+) ?(%S*)$')
latency, retry_after, countdown = tonumber(latency), tonumber(retry_after), tonumber(countdown)
draw, generation = tonumber(draw), tonumber(generation)
local tier, tokens, silence
first_token, tier, tokens, silence = string.match(first_token, '^(%d+) ?(%S*) ?(%d*) ?(%d*)$')
first_token, silence = tonumber(first_token), tonumber(silence)
local FIRST_KEY, FIRST_PROVIDER = 4, 21  -- of the remaining ones
local LONGEST_REFUSED = 64               -- bytes, as of every field
local settings = SETTINGS[provider]

-- Writes one outcome over the oldest in the ring.
local function add_to_window(b, failed)
  local window, at = key .. ':window', b.index * 4
  if b.count == RING then
    if redis.call('GETRANGE', window, at, at) == string.char(FAILED) then b.failed = b.failed - 1 end
  else
    b.count = b.count + 1
  end
  if failed then b.failed = b.failed + 1 end
  local ms = math.min(math.floor(latency), 16777215)
  redis.call('SETRANGE', window, at, string.char(failed and FAILED or 1,
    math.floor(ms / 65536), math.floor(ms / 256) % 256, ms % 256))
  b.index = (b.index + 1) % RING
end

local function count_in_a_row(b, failed)
  if not failed then
    b.consecutive_failures, b.first, b.several, b.consecutive_successes = 0, '', 0, b.consecutive_successes + 1
    return
  end
  b.consecutive_successes = 0
  b.consecutive_failures = b.consecutive_failures + 1
  if b.consecutive_failures == 1 then b.first = request elseif b.first ~= request then b.several = 1 end
end

-- Changes the state as the outcome demands.
-- 1. Closed: consecutive failures and the detectors decide.
-- 2. Half-open: only holders of permits decide. Any failure opens it, enough successes close it.
local function apply_to_state(b, now, failed)
  if b.state == 'closed' then
    local figures = update_failure_detector(b, settings, failed, request)
    if b.consecutive_failures >= settings.failures and b.several == 1 then
      open_for_cooldown(b, provider, key, events, now, draw, 'consecutive-failures')
    elseif figures and settings.detect_failures == 'on' then
      open_for_cooldown(b, provider, key, events, now, draw, 'failure-rate', unpack(figures))
    elseif figures then
      add_event(events, 'circuit-breaker-would-open', provider, now, 'cause', 'failure-rate', unpack(figures))
    end
    local slow = not failed and update_latency_detector(b, settings, first_token)
    if slow and settings.detect_latency == 'on' then
      b.deprioritised_until = now + DEPRIORITISED_FOR
      add_event(events, 'provider-deprioritised', provider, now,
        'until_ms', string.format('%.0f', b.deprioritised_until), unpack(slow))
    elseif slow then
      add_event(events, 'provider-would-be-deprioritised', provider, now, unpack(slow))
    end
    local turn, details = update_slowness(b, settings, failed and 0 or first_token, now)
    if turn then add_event(events, turn, provider, now, unpack(details)) end
  elseif b.state == 'half-open' and permit ~= '' then
    if failed then
      open_for_cooldown(b, provider, key, events, now, draw, 'failed-while-half-open')
    else
      b.half_open_successes = b.half_open_successes + 1
      if b.half_open_successes >= settings.successes then
        change_state(b, 'closed', now, key)
        b.opens, b.quota, b.open_until = 0, 0, 0
        add_event(events, 'circuit-breaker-closed', provider, now)
      end
    end
  end
end

-- Locks the provider out, and keeps which key was refused: calls in flight with another one may follow.
local function lock_out(b, now)
  if b.auth_locked == 0 then
    b.auth_locked, b.refused = 1, ''
    add_event(events, 'provider-auth-locked', provider, now, 'cause', 'authentication', 'fingerprint', refused)
  end
  if refused ~= '' and not string.find(b.refused, refused, 1, true) and #b.refused + #refused < LONGEST_REFUSED then
    b.refused = b.refused == '' and refused or b.refused .. ' ' .. refused
  end
end

-- Records the outcome in the breaker. Returns 1, or 0 for a success without a live permit while half-open: the permit
-- may have run out, or was settled before and must not count twice.
local function apply_outcome(b, now)
  local permits = key .. ':permits'
  local deadline = permit ~= '' and redis.call('ZSCORE', permits, permit)
  local alive = deadline and tonumber(deadline) > now
  if deadline then redis.call('ZREM', permits, permit) end
  if outcome == 'success' and b.state == 'half-open' and b.override == '' and not alive then return 0 end
  add_to_retry_budget(b, now, 1, 0)
  if failure ~= '' and outcome ~= 'ignored' then b.error, b.error_at = failure, now end
  if outcome == 'success' or outcome == 'failure' then
    local failed = outcome == 'failure'
    add_to_window(b, failed)
    count_in_a_row(b, failed)
    if b.override == '' then apply_to_state(b, now, failed) end
  elseif outcome == 'authentication' then
    lock_out(b, now)
  elseif outcome == 'quota' and b.override == '' then
    b.quota = b.quota + 1
    open_for(b, provider, key, events, now, math.min(QUOTA * 2 ^ math.min(b.quota - 1, 10), LONGEST_QUOTA), draw,
      'quota-exhausted')
  end
  if tier ~= '' and first_token + silence > 0 and settings.learn_first_tokens == 'on' then
    learn_first_token(b, tier, tonumber(tokens), first_token + silence, silence > 0, now)
  end
  if sample ~= '' then learn_score(b, sample, latency, first_token, now) end
  return 1
end

-- Returns what comes next, and the ms to which the retry budget postpones a retry, 0 where it does not. The retry is
-- granted when its countdown is over; here it only has to look possible.
local function decide(b, now, time, opened)
  local postponed = nil
  if not holds_lease(task, lease_id) then return { 'lease-lost' }, 0 end
  if countdown >= 0 and not opened then
    local reason, at = refusal(b, key, now)
    if not reason or (at ~= NEVER and at <= now + countdown) then
      postponed = retry_postponed(b, now, settings)
      if not postponed or postponed <= now + countdown then return { 'retry' }, 0 end
    end
  end
  local wanted = read_demand(demand, task, events)
  return first_admitting(FIRST_KEY, FIRST_PROVIDER, events, time, next_permit, names(tried), wanted), postponed or 0
end

local time = clock()
local b, now = read_breaker(key, time)
local counted, before = 0, b and b.state or 'closed'
if not b then
  b = new_breaker(now)
  if retry_after > 0 then
    b.limited_until = now + math.min(retry_after, LONGEST_RETRY_AFTER)
    write_breaker(key, b, now, provider, events)
  end
else
  if retry_after > 0 then
    b.limited_until = math.max(b.limited_until, now + math.min(retry_after, LONGEST_RETRY_AFTER))
  end
  if b.generation == generation then
    counted = apply_outcome(b, now)
  end
  if counted == 1 or retry_after > 0 then write_breaker(key, b, now, provider, events) end
end
local change = b.state ~= before and b.state or ''
settle(provider, key, slot, tonumber(reserved_at), settlement, task, events)
add_to_ledger(ledger, events, time)
local following, postponed = decide(b, now, time, change == 'open')
local kind, place = following[1], following[2]
local next_provider = kind == 'next' and ARGV[FIRST_PROVIDER + place - 1] or ''
if kind ~= 'lease-lost' then write_asked(task, lease_id, next_provider, time, tried) end
if failure ~= '' then
  add_event(events, 'request-failure', provider, now, 'request', request, 'failure', failure,
    'decision', kind, 'will_retry', kind == 'retry' and 'true' or 'false',
    'next', next_provider, 'countdown_ms', kind == 'retry' and countdown or 0)
end
return { counted, change, following, postponed }
