-- Claims a task's id, chosen by its producer, for one request; called before the message is queued.
--
-- KEYS[1] {ns}:2:task:<id>, as in begin.lua
-- ARGV[1] the request's fingerprint, ARGV[2] s to keep the key, at least
-- Returns 1, or 0 where the id stands for another request. Writes nothing where an outcome is stored.
local request, answer = unpack(redis.call('HMGET', KEYS[1], 'request', 'answer'))
if is_another(request, ARGV[1]) then return 0 end
if answer then return 1 end
redis.call('HSETNX', KEYS[1], 'request', ARGV[1])
redis.call('EXPIRE', KEYS[1], math.max(ARGV[2], redis.call('TTL', KEYS[1])))
return 1
