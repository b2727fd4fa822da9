-- Takes or renews the lease of a receiver of alerts, and reads which ones it is to get next.
--
-- KEYS[1] {ns}:2:alerts                    stream, see alert.lua
-- KEYS[2] {ns}:2:alerts:<receiver>         hash, fields below; kept ARGV[4] s from the last look
-- KEYS[3] {ns}:2:alerts:<receiver>:sender  string, the process that sends
-- ARGV[1] who asks, ARGV[2] ms of the lease, ARGV[3] how many entries to read
-- Returns {} where another process has the lease; else { the hash's fields and values, entries }.
--
-- Fields of the hash:
--   cursor               the id of the last entry that the receiver has, or that it is not to get
--   alert:<what>         JSON, what it was alerted to: see worker/alerts/state.py
--   problem:<what>       JSON, a problem that it knows: see worker/alerts/problems.py
-- A receiver without a cursor is new, and gets what happens from now on.
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then return {} end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
local cursor = redis.call('HGET', KEYS[2], 'cursor')
if not cursor then
  cursor = string.format('%.0f', clock() - 1) .. '-0'  -- an alert of this very ms may be the next
  redis.call('HSET', KEYS[2], 'cursor', cursor)
end
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('XLEN', KEYS[1])  -- fails, and is logged, where an ACL lets nobody write alerts: see alert.lua
return { redis.call('HGETALL', KEYS[2]), redis.call('XRANGE', KEYS[1], '(' .. cursor, '+', 'COUNT', ARGV[3]) }
