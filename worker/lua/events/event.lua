-- Writes events. Comes after clock.lua, before the scripts of breakers and of tasks, and the queue's quarantine.lua.
--
-- {ns}:2:events  stream, about 10,000 entries; see worker/telemetry/events.py

-- Counts a breaker's change for the fleet's metrics: the stream forgets. Python has what it changes to, and the cause
-- where the event names none, in worker/telemetry/metrics/instruments.py.
local function count_transition(events, kind, provider, name, value)
  local transitions = {
    ['circuit-breaker-open'] = { 'open' }, ['circuit-breaker-half-open'] = { 'half_open', 'cooldown-over' },
    ['circuit-breaker-closed'] = { 'closed', 'successes' }, ['circuit-breaker-reset'] = { 'closed', 'reset' },
    ['circuit-breaker-forced-open'] = { 'forced_open', 'operator' },
    ['circuit-breaker-forced-closed'] = { 'forced_closed', 'operator' },
    ['provider-auth-locked'] = { 'auth_locked' }, ['provider-auth-unlocked'] = { 'auth_unlocked', 'probe' },
    ['provider-deprioritised'] = { 'deprioritised', 'latency' },
  }
  local to, cause = unpack(transitions[kind] or {})
  if not to then return end
  local metrics = string.sub(events, 1, -1 - #'events') .. 'metrics'
  cause = cause or name == 'cause' and value or ''
  redis.call('HINCRBY', metrics, '["breaker_transitions","' .. provider .. '","' .. to .. '","' .. cause .. '"]', 1)
end

local write_alert  -- of alert.lua, which follows where a receiver of alerts is configured

-- Writes one event; further arguments are names and values of its fields. `events` is the stream's key. What counts it
-- and alerts to it may fail, as under an ACL of a release before: the change that it is of is made all the same.
local function add_event(events, kind, provider, now, ...)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
    'type', kind, 'provider', provider, 'at_ms', string.format('%.0f', now), ...)
  pcall(count_transition, events, kind, provider, ...)
  if write_alert then pcall(write_alert, events, kind, provider, now, ...) end
end
