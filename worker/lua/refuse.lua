-- Says what stands for a task whose message is refused before it begins; it takes no lease and claims no id.
--
-- KEYS[1] {ns}:task:<id>, as in begin.lua
-- KEYS[2] {ns}:events  stream
-- ARGV[1] the fingerprint of what came in the request's place, '' where nobody can tell, ARGV[2] the task's id
-- Returns as begin.lua {'other', answer, wasted} or {'answered', answer, wasted}, or {'none'}.
local t = redis.call('HMGET', KEYS[1], 'answer', 'wasted', 'request')
if is_another(t[3], ARGV[1]) then
  tell_another(KEYS[2], ARGV[2])
  return { 'other', t[1] or '', t[2] or '' }
end
if t[1] then return { 'answered', t[1], t[2] or '' } end
return { 'none' }
