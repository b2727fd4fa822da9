-- Keeps a completion that failed for good, for an operator to see and to replay; not where an outcome stands already.
--
-- KEYS[1] {ns}:task:<id>    as in begin.lua
-- KEYS[2] {ns}:failed       zset: task id -> ms of its failure
-- KEYS[3] {ns}:failed:<id>  hash: at (ms), chain, error (its class), message, request (JSON)
-- ARGV[1] the task's id, ARGV[2] the chain, ARGV[3] the error's class, ARGV[4] its message, ARGV[5] the request as JSON
-- ARGV[6] s to keep it, ARGV[7] how many to keep, the newest
-- Returns 1, or 0 where an outcome stands.
local failed, keep = KEYS[2], tonumber(ARGV[6])
if redis.call('HEXISTS', KEYS[1], 'answer') == 1 then return 0 end
local time = clock()
local at = string.format('%.0f', time)
redis.call('HSET', KEYS[3], 'at', at, 'chain', ARGV[2], 'error', ARGV[3], 'message', ARGV[4], 'request', ARGV[5])
redis.call('EXPIRE', KEYS[3], keep)
redis.call('ZADD', failed, at, ARGV[1])
redis.call('EXPIRE', failed, keep)
redis.call('ZREMRANGEBYSCORE', failed, '-inf', string.format('%.0f', time - 1000 * keep))
local oldest = -1 - tonumber(ARGV[7])
for _, id in ipairs(redis.call('ZRANGE', failed, 0, oldest)) do redis.call('DEL', failed .. ':' .. id) end
redis.call('ZREMRANGEBYRANK', failed, 0, oldest)
return 1
