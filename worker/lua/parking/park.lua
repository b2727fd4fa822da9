-- Moves an unacknowledged message into its group of parked completions; no process keeps it in memory.
--
-- A group has the completions of one priority that wait for the same providers. Its name is
-- `<priority>:<provider>,...`. Keys, kept until the last message has left:
--   {ns}:2:parked                          hash, task's id -> message as in a queue's list
--   {ns}:2:parked:groups                   zset, name of each group that is not empty -> priority
--   {ns}:2:parked:group:<group>            zset, task's id -> ms of its first delivery: the order of release
--   {ns}:2:parked:group:<group>:deadlines  zset, task's id -> ms of its deadline
--   {ns}:2:parked:chains                   set, names of the chains that have any
--   {ns}:2:parked:chain:<chain>            zset, task's id -> ms of its first delivery: for metrics
--   {ns}:2:parked:flow                     hash, see release.lua
--
-- KEYS[1] hash of the unacknowledged messages, tag -> [message, exchange, routing key] as JSON
-- KEYS[2] zset of the same tags by age
-- KEYS[3] {ns}:2:parked, KEYS[4] {ns}:2:parked:groups, KEYS[5] {ns}:2:parked:group:<group>
-- KEYS[6] {ns}:2:task:<id>, as in begin.lua, KEYS[7] {ns}:2:parked:chains
-- ARGV[1] the message's tag, ARGV[2] the task's id, ARGV[3] the group's name, ARGV[4] its priority
-- ARGV[5] the deadline, ms, ARGV[6] the chain
-- Returns 1, or 0 where the message was acknowledged meanwhile. A message of a task that is parked already is dropped:
-- both messages say the same.
local entry = redis.call('HGET', KEYS[1], ARGV[1])
-- A pattern cuts the message out of the text: cjson would turn its empty lists into objects.
local message = entry and string.match(entry, '^%[(.*),%s*"[^"]*",%s*"[^"]*"%]$')
if not message then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HSETNX', KEYS[3], ARGV[2], message) == 0 then return 1 end
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[3])
local first = redis.call('HGET', KEYS[6], 'first') or string.format('%.0f', clock())
redis.call('ZADD', KEYS[5], first, ARGV[2])
redis.call('SADD', KEYS[7], ARGV[6])
redis.call('ZADD', KEYS[3] .. ':chain:' .. ARGV[6], first, ARGV[2])
redis.call('ZADD', KEYS[5] .. ':deadlines', ARGV[5], ARGV[2])
return 1
