-- Writes what a worker reports of itself, and an event where its clock became wrong, or right again.
--
-- KEYS[1] {ns}:2:workers  hash: worker's name -> JSON of worker/telemetry/workers.py with `seen_ms`
-- KEYS[2] {ns}:2:events
-- ARGV[1] the worker's name
-- ARGV[2] the report as a JSON object that is not empty, with `skewed` and `clock_offset` (s); empty for a worker that
--         has stopped, whose field is removed
-- ARGV[3] s to keep the report of a worker that no longer writes
local MINUTE = 60000
local key, events, name, report, kept = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = clock()

-- Returns the ms of a report, nil where it has none.
local function seen(text) return tonumber(string.match(text, '"seen_ms": ?(%d+)')) end

-- Writes an event where the clock is skewed and was not, or the reverse.
local function compare_clocks(was_skewed, after)
  if was_skewed == after.skewed then return end
  add_event(events, after.skewed and 'worker-clock-skewed' or 'worker-clock-steady', '', now, 'worker', name,
    'offset_ms', string.format('%.0f', after.clock_offset * 1000))
end

-- Drops the reports of workers that were killed.
local function sweep()
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local at = seen(flat[i + 1])
    if at and now - at > kept * 1000 then redis.call('HDEL', key, flat[i]) end
  end
end

if report == '' then
  redis.call('HDEL', key, name)
  return 0
end
local before = redis.call('HGET', key, name)
compare_clocks(before and string.find(before, '"skewed": ?true') ~= nil or false, cjson.decode(report))
redis.call('HSET', key, name, string.format('{"seen_ms":%.0f,', now) .. string.sub(report, 2))
redis.call('EXPIRE', key, kept)
-- Once a minute: of 300 workers each would otherwise read 300 reports at each of its beats.
local last = before and seen(before) or 0
if math.floor(last / MINUTE) ~= math.floor(now / MINUTE) then sweep() end
return 1
