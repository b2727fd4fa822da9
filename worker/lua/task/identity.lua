-- What a task's id stands for. Comes after event.lua, before the scripts of a task.
--
-- The field `request` of {ns}:2:task:<id> has the fingerprints of the request that the id stands for, separated by a
-- space: see worker/task/identity.py. Two requests that share a fingerprint are the same.

-- Returns whether two lists of fingerprints are of different requests; false where one of them is not known.
local function is_another(known, given)
  if not known or known == '' or given == '' then return false end
  for one in string.gmatch(given, '%x+') do
    if string.find(known, one, 1, true) then return false end
  end
  return true
end

-- Writes the event of a message whose task's id stands for another request; `events` is {ns}:2:events.
local function report_reused_id(events, id)
  add_event(events, 'task-id-reused', '', clock(), 'request', id)
end
