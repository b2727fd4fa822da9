-- Whether a task's id stands for one request; joined behind clock.lua, ahead of the scripts of a task.
--
-- The field `request` of {ns}:task:<id> has the fingerprints of the request that the id stands for, parted by a space:
-- see worker/identity.py. Two that share one are the same request. Workers of an earlier release wrote none.
local function is_another(known, given)
  if not known or known == '' or given == '' then return false end
  for one in string.gmatch(given, '%x+') do
    if string.find(known, one, 1, true) then return false end
  end
  return true
end

-- Tells of a message whose task's id stands for another request; `events` is {ns}:events, see worker/events.py.
local function tell_another(events, id)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'type', 'task-id-reused', 'provider', '',
    'at_ms', string.format('%.0f', clock()), 'request', id)
end
