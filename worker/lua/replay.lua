-- Forgets the failure that a message replays, so that the delivery begins the task anew; every other one finds it done.
--
-- KEYS[1] {ns}:task:<id>          as in begin.lua; from: the lines of the journal that came before the replay
-- KEYS[2] {ns}:task:<id>:journal  keeps its lines
-- KEYS[3] {ns}:failed, KEYS[4] {ns}:failed:<id>, as in letter.lua
-- ARGV[1] the task's id, ARGV[2] ms of the failure, ARGV[3] s to keep the keys, ARGV[4] the request's fingerprints
-- Returns 1, or 0 where that failure is not the last word: it was replayed or answered, or somebody is at work on it,
-- or it is of a bad request and the id stands for another one since.
if redis.call('ZSCORE', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
local t = redis.call('HMGET', KEYS[1], 'answer', 'until', 'request')
if t[1] and cjson.decode(t[1]).result then return 0 end
if not t[1] and is_another(t[3], ARGV[4]) then return 0 end
if tonumber(t[2] or 0) > clock() then return 0 end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], 'from', redis.call('LLEN', KEYS[2]))
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
return 1
