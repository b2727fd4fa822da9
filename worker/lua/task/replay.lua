-- Forgets the failure that a message replays, so that its delivery begins the task anew. A second one changes nothing.
--
-- KEYS[1] {ns}:2:task:<id>          as in begin.lua; `from` is set to the length of the journal
-- KEYS[2] {ns}:2:task:<id>:journal  keeps its lines
-- KEYS[3] {ns}:2:dead_letters, KEYS[4] {ns}:2:dead_letters:<id>, as in dead_letter.lua
-- ARGV[1] the task's id, ARGV[2] ms of the failure, ARGV[3] s to keep the keys, ARGV[4] the request's fingerprints
-- Returns 1, or 0 where that failure no longer stands:
-- 1. it was replayed or answered;
-- 2. a worker holds the task;
-- 3. it was of a bad request, and the id now stands for another one.
if redis.call('ZSCORE', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
local answer, held_until, request = unpack(redis.call('HMGET', KEYS[1], 'answer', 'until', 'request'))
if answer and not cjson.decode(answer).failure then return 0 end
if not answer and is_another(request, ARGV[4]) then return 0 end
if tonumber(held_until or 0) > clock() then return 0 end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], 'from', redis.call('LLEN', KEYS[2]))
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
return 1
