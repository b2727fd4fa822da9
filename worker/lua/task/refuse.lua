-- Returns what is stored for a task whose message is refused before it begins; takes no lease and claims no id.
--
-- KEYS[1] {ns}:2:task:<id>, as in begin.lua
-- KEYS[2] {ns}:2:events  stream
-- KEYS[3] celery-task-meta-<id>, see outcome.lua
-- ARGV[1] the fingerprint of what the message has as its request, '' where it is not known, ARGV[2] the task's id
-- Returns {'other', ...} or {'answered', ...} as begin.lua, or {'none'}.
local answer, duplicates, request = unpack(redis.call('HMGET', KEYS[1], 'answer', 'duplicates', 'request'))
if answer then answer = outcome_text(answer, KEYS[3]) end
if is_another(request, ARGV[1]) then
  report_reused_id(KEYS[2], ARGV[2])
  return { 'other', answer or '', duplicates or '' }
end
if answer then return { 'answered', answer, duplicates or '' } end
return { 'none' }
