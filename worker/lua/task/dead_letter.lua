-- Keeps a completion that failed for good, for an operator to see and to replay; not where an outcome is stored.
--
-- KEYS[1] {ns}:2:task:<id>          as in begin.lua
-- KEYS[2] {ns}:2:dead_letters       zset: task id -> ms of its failure
-- KEYS[3] {ns}:2:dead_letters:<id>  hash: at (ms), chain, error (its class), message, request (JSON),
--                                   attempts: a line of JSON for each, as in the journal
-- ARGV[1] the task's id, ARGV[2] the chain, ARGV[3] the error's class, ARGV[4] its message, ARGV[5] the request as JSON
-- ARGV[6] s to keep it, ARGV[7] how many dead letters to keep; the oldest are dropped; ARGV[8] its attempts
-- Returns 1, or 0 where an outcome is stored.
local dead_letters, keep = KEYS[2], tonumber(ARGV[6])
if redis.call('HEXISTS', KEYS[1], 'answer') == 1 then return 0 end
local time = clock()
local at = string.format('%.0f', time)
redis.call('HSET', KEYS[3], 'at', at, 'chain', ARGV[2], 'error', ARGV[3], 'message', ARGV[4], 'request', ARGV[5],
  'attempts', ARGV[8])
redis.call('EXPIRE', KEYS[3], keep)
redis.call('ZADD', dead_letters, at, ARGV[1])
redis.call('EXPIRE', dead_letters, keep)
redis.call('ZREMRANGEBYSCORE', dead_letters, '-inf', string.format('%.0f', time - 1000 * keep))
local oldest = -1 - tonumber(ARGV[7])
for _, id in ipairs(redis.call('ZRANGE', dead_letters, 0, oldest)) do redis.call('DEL', dead_letters .. ':' .. id) end
redis.call('ZREMRANGEBYRANK', dead_letters, 0, oldest)
return 1
