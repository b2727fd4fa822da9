-- Adds what a process has counted to the fleet's metrics, and notes its calls in flight.
--
-- KEYS[1] {ns}:2:metrics    hash, not expiring: JSON list of a name and its labels -> integer, see
--         worker/telemetry/metrics/stored.py; at most MOST_FIELDS
-- KEYS[2] {ns}:2:in_flight  hash, a minute from the last report: process -> ms of its report, a blank, and calls in
--         flight by provider as JSON
-- ARGV[1] the process, ARGV[2] its calls in flight as JSON; '' for none
-- ARGV[3..] fields of KEYS[1], each with what to add to it
-- Returns how many fields were dropped: new ones of a full hash.
local MOST_FIELDS = 10000
local COUNTS, KEPT = 15000, 60  -- ms that a report counts; s
local metrics, in_flight, process, calls = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local now, dropped = clock(), 0

-- Drops the reports of processes that were killed.
local function sweep()
  local flat = redis.call('HGETALL', in_flight)
  for i = 1, #flat, 2 do
    if tonumber(string.match(flat[i + 1], '^%d+')) < now - COUNTS then redis.call('HDEL', in_flight, flat[i]) end
  end
end

local free = MOST_FIELDS - redis.call('HLEN', metrics)
for i = 3, #ARGV, 2 do
  if free > #ARGV or redis.call('HEXISTS', metrics, ARGV[i]) == 1 then
    redis.call('HINCRBY', metrics, ARGV[i], ARGV[i + 1])
  else
    dropped = dropped + 1
  end
end
if calls == '' then
  redis.call('HDEL', in_flight, process)
else
  if redis.call('HSET', in_flight, process, string.format('%.0f ', now) .. calls) == 1 then sweep() end
  redis.call('EXPIRE', in_flight, KEPT)
end
return dropped
