-- Writes what a worker reports of itself, and an event where its clock became wrong, or right again.
--
-- KEYS[1] {ns}:2:workers  hash: worker's name -> JSON of worker/telemetry/workers.py with `seen_ms`
-- KEYS[2] {ns}:2:events
-- ARGV[1] the worker's name
-- ARGV[2] the report as a JSON object that is not empty, with `skewed` and `clock_offset` (s); empty for a worker that
--         has stopped, whose field is removed
-- ARGV[3] s to keep the report of a worker that no longer writes
local key, events, name, report, kept = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = clock()

-- Writes an event where the clock is skewed and was not, or the reverse.
local function compare_clocks(before, after)
  if before.skewed == after.skewed then return end
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'type',
    after.skewed and 'worker-clock-skewed' or 'worker-clock-steady', 'provider', '', 'at_ms',
    string.format('%.0f', now), 'worker', name, 'offset_ms', string.format('%.0f', after.clock_offset * 1000))
end

if report == '' then
  redis.call('HDEL', key, name)
  return 0
end
local before = redis.call('HGET', key, name)
compare_clocks(before and cjson.decode(before) or { skewed = false }, cjson.decode(report))
redis.call('HSET', key, name, string.format('{"seen_ms":%.0f,', now) .. string.sub(report, 2))
redis.call('EXPIRE', key, kept)
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do
  if now - cjson.decode(flat[i + 1]).seen_ms > kept * 1000 then redis.call('HDEL', key, flat[i]) end
end
return 1
