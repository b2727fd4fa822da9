-- Renews the lease of a receiver of alerts, and writes what it has got.
--
-- KEYS[1] {ns}:2:alerts:<receiver>, KEYS[2] {ns}:2:alerts:<receiver>:sender, as in receive.lua
-- ARGV[1] who asks, ARGV[2] ms of the lease; 0 ends it
-- ARGV[3] fields of the hash to remove, separated by newlines, ARGV[4..] fields and values to write
-- Returns 1, or 0 where the lease is lost, and then nothing is written.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[2]) else redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
for field in string.gmatch(ARGV[3], '[^\n]+') do redis.call('HDEL', KEYS[1], field) end
if ARGV[4] then redis.call('HSET', KEYS[1], unpack(ARGV, 4)) end
return 1
