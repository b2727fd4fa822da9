-- Reads what waits in the queue and parked, and what has failed for good lately. Changes nothing.
--
-- KEYS[1] {ns}:2:dead_letters, KEYS[2] {ns}:2:parked:groups; see dead_letter.lua, parking/park.lua
-- KEYS[3..] the queue's lists
-- ARGV[1] {ns}:2:parked:group:, ARGV[2] ms that are lately
-- Returns {ms now, {dead letters lately, in as long before that, ms of the first of lately},
--          of each group {name, completions, ms of the oldest},
--          of each list {messages, ms since which the oldest waits, its id}}.
-- 0 ms are not known: the message of a producer by name does not say when it was queued.
local now, lately = clock(), tonumber(ARGV[2])

local function text(ms) return string.format('%.0f', ms) end

-- Returns the oldest score of a sorted set from `least` on, 0 where it has none.
local function oldest(key, least)
  local found = redis.call('ZRANGEBYSCORE', key, least, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return tonumber(found[2] or 0)
end

-- Returns the instant in ms in a message's headers. Its body is base64, so that no request can pose as them.
local function queued_at(message)
  local at = message and string.match(message, '"queued_at": ?([%d.]+)')
  return math.min(math.floor((tonumber(at) or 0) * 1000), now)
end

local function id(message) return message and string.match(message, '"id": ?"([^"\\]*)"') or '' end

local from = now - lately
local failed = { redis.call('ZCOUNT', KEYS[1], text(from), '+inf'),
  redis.call('ZCOUNT', KEYS[1], text(from - lately), '(' .. text(from)), oldest(KEYS[1], text(from)) }
local groups, lists = {}, {}
for i, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  groups[i] = { name, redis.call('ZCARD', ARGV[1] .. name), oldest(ARGV[1] .. name, '-inf') }
end
for i = 3, #KEYS do
  local message = redis.call('LRANGE', KEYS[i], -1, -1)[1]
  lists[i - 2] = { redis.call('LLEN', KEYS[i]), queued_at(message), id(message) }
end
return { now, failed, groups, lists }
