-- Records what one attempt came to and answers what comes next: the same provider, or a permit from the next.
--
-- KEYS[1]   {ns}:task:<id>   hash; the lease that must be held for a permit; takes note of whom its holder may ask
-- KEYS[2]   {ns}:events      stream
-- KEYS[3]   {ns}:breaker:<provider> of the attempt
-- KEYS[4..] {ns}:breaker:<provider>, the rest of the chain
-- ARGV[1]   the lease's token; '' asks for none
-- ARGV[2]   the next permit's id
-- ARGV[3]   success | failure | rate-limited | quota | authentication | ignored
-- ARGV[4]   the attempt's generation
-- ARGV[5]   the attempt's permit; '' where it held no half-open lease
-- ARGV[6]   the request's id
-- ARGV[7]   latency, ms
-- ARGV[8]   Retry-After, ms; 0 for none
-- ARGV[9]   countdown of a retry on this provider, ms; -1 for none
-- ARGV[10]  0 to 999, drawn by the caller: a script's own random numbers repeat
-- ARGV[11]  the failure in a few words; '' for a success
-- ARGV[12]  time to first token, ms; 0 where it is not known
-- ARGV[13]  the provider of the attempt
-- ARGV[14..] the rest of the chain, as KEYS[4..]
-- Returns {counted, change of state or '', then what `walk` returns; or 'retry' or 'lost' in its place}.

local key, provider, events = KEYS[3], ARGV[13], KEYS[2]
local outcome, permit, request = ARGV[3], ARGV[5], ARGV[6]
local retry_after, countdown, draw = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local settings = SETTINGS[provider]

local function ring(b, failed, latency)
  local window, at = key .. ':window', b.index * 4
  if b.count == RING then
    if redis.call('GETRANGE', window, at, at) == string.char(FAILED) then b.failed = b.failed - 1 end
  else
    b.count = b.count + 1
  end
  if failed then b.failed = b.failed + 1 end
  latency = math.min(math.floor(latency), 16777215)
  redis.call('SETRANGE', window, at, string.char(failed and FAILED or 1,
    math.floor(latency / 65536), math.floor(latency / 256) % 256, latency % 256))
  b.index = (b.index + 1) % RING
end

local function count_streak(b, failed)
  if not failed then
    b.streak, b.first, b.several, b.wins = 0, '', 0, b.wins + 1
    return
  end
  b.wins = 0
  b.streak = b.streak + 1
  if b.streak == 1 then b.first = request elseif b.first ~= request then b.several = 1 end
end

-- Closed: the streak and the detectors decide. Half-open: the holders of leases decide, a success from a live one,
-- any failure.
local function judge(b, now, failed)
  if b.state == 'closed' then
    local figures = suspect(b, settings, failed, request)
    if b.streak >= settings.failures and b.several == 1 then
      trip(b, provider, key, events, now, draw, 'consecutive-failures')
    elseif figures and settings.detect_failures == 'on' then
      trip(b, provider, key, events, now, draw, 'failure-rate', unpack(figures))
    elseif figures then
      tell(events, 'circuit-breaker-would-open', provider, now, 'cause', 'failure-rate', unpack(figures))
    end
    local slow = not failed and linger(b, settings, tonumber(ARGV[12]))
    if slow and settings.detect_latency == 'on' then
      b.demoted_until = now + DEMOTION
      tell(events, 'provider-demoted', provider, now, 'until_ms', string.format('%.0f', b.demoted_until), unpack(slow))
    elseif slow then
      tell(events, 'provider-would-be-demoted', provider, now, unpack(slow))
    end
  elseif b.state == 'half-open' and permit ~= '' then
    if failed then
      trip(b, provider, key, events, now, draw, 'failed-while-half-open')
    else
      b.passed = b.passed + 1
      if b.passed >= settings.successes then
        move(b, 'closed', now, key)
        b.opens, b.quota, b.open_until = 0, 0, 0
        tell(events, 'circuit-breaker-closed', provider, now)
      end
    end
  end
end

-- Returns 1, or 0 for a success without a live lease while half-open: it may be settled already, or its holder was
-- given up, and a permit settled twice must not count twice.
local function apply(b, now)
  local leases = key .. ':leases'
  local deadline = permit ~= '' and redis.call('ZSCORE', leases, permit)
  local alive = deadline and tonumber(deadline) > now
  if deadline then redis.call('ZREM', leases, permit) end
  if outcome == 'success' and b.state == 'half-open' and b.override == '' and not alive then return 0 end
  if ARGV[11] ~= '' and outcome ~= 'ignored' then b.error, b.error_at = ARGV[11], now end
  if outcome == 'success' or outcome == 'failure' then
    local failed = outcome == 'failure'
    ring(b, failed, tonumber(ARGV[7]))
    count_streak(b, failed)
    if b.override == '' then judge(b, now, failed) end
  elseif outcome == 'authentication' and b.locked == 0 then
    b.locked = 1
    tell(events, 'provider-locked-out', provider, now, 'cause', 'authentication')
  elseif outcome == 'quota' and b.override == '' then
    b.quota = b.quota + 1
    open(b, provider, key, events, now, math.min(QUOTA * 2 ^ math.min(b.quota - 1, 10), LONGEST_QUOTA), draw,
      'quota-exhausted')
  end
  return 1
end

-- What comes next, in `walk`'s form.
local function decide(b, now, time, opened)
  if not held(KEYS[1], ARGV[1]) then return { 'lost' } end
  if countdown >= 0 and not opened then
    local reason, at = refusal(b, key, now)
    if not reason or (at ~= NEVER and at <= now + countdown) then return { 'retry' } end
  end
  return walk(4, 14, events, time, ARGV[2])
end

local time = clock()
local b, now = read(key, time)
local counted, before = 0, b and b.state or 'closed'
if not b then
  b = fresh(now)
  if retry_after > 0 then
    b.limited_until = now + math.min(retry_after, LONGEST_RETRY_AFTER)
    write(key, b, now, provider, events)
  end
else
  if retry_after > 0 then
    b.limited_until = math.max(b.limited_until, now + math.min(retry_after, LONGEST_RETRY_AFTER))
  end
  if b.generation == tonumber(ARGV[4]) then
    counted = apply(b, now)
  end
  if counted == 1 or retry_after > 0 then write(key, b, now, provider, events) end
end
local change = b.state ~= before and b.state or ''
local next_step = decide(b, now, time, change == 'open')
local will = next_step[1] == 'next' and ARGV[13 + next_step[2]] or ''
if next_step[1] ~= 'lost' then note_asked(KEYS[1], ARGV[1], will, time) end
if ARGV[11] ~= '' then
  tell(events, 'request-failure', provider, now, 'request', request, 'failure', ARGV[11],
    'decision', next_step[1], 'will_retry', (next_step[1] == 'retry' or will ~= '') and 'true' or 'false',
    'next', will, 'countdown_ms', next_step[1] == 'retry' and countdown or 0)
end
return { counted, change, unpack(next_step) }
