-- Claims a task's id for the request of a producer that chose it, before its message is queued.
--
-- KEYS[1] {ns}:task:<id>, as in begin.lua
-- ARGV[1] the request's fingerprint, ARGV[2] s to keep the key
-- Returns 1, or 0 where the id stands for another request. Where an outcome stands nothing is written.
local t = redis.call('HMGET', KEYS[1], 'request', 'answer')
if is_another(t[1], ARGV[1]) then return 0 end
if t[2] then return 1 end
redis.call('HSETNX', KEYS[1], 'request', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
