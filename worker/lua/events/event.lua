-- Writes events. Comes after clock.lua, before the scripts of breakers and of tasks, and the queue's quarantine.lua.
--
-- {ns}:2:events  stream, about 10,000 entries; see worker/telemetry/events.py

local write_alert  -- of alert.lua, which follows where a receiver of alerts is configured

-- Writes one event; further arguments are names and values of its fields. `events` is the stream's key.
local function add_event(events, kind, provider, now, ...)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
    'type', kind, 'provider', provider, 'at_ms', string.format('%.0f', now), ...)
  if write_alert then write_alert(events, kind, provider, now, ...) end
end
