-- The outcome of a task. Comes after clock.lua, before the scripts of a task.
--
-- The field `answer` of {ns}:2:task:<id> is JSON: {"failure": [class, message]}, or {"success":true}, whose text is
-- Celery's result under celery-task-meta-<id> and nowhere else. Workers of a commit before wrote {"result": ...}.
local SUCCESS = '{"success":true}'

-- Returns the text of an outcome: that of Celery's result for a success, SUCCESS where it was forgotten.
local function outcome_text(answer, result_key)
  return answer == SUCCESS and redis.call('GET', result_key) or answer
end
