-- Ends a delivery of a task: for good with its outcome, or until a later delivery.
--
-- KEYS[1] {ns}:2:task:<id>, as in begin.lua
-- KEYS[2] {ns}:2:counters  hash, see worker/telemetry/counters.py
-- KEYS[3] {ns}:2:events    stream, see worker/telemetry/events.py
-- ARGV[1] the lease id; '' for a producer that revokes the task
-- ARGV[2] the outcome as JSON, result or failure; '' where the task goes on later
-- ARGV[3] s to keep the key
-- ARGV[4] the next message's step, ARGV[5] ms until it is due (only without an outcome)
-- ARGV[6] the answered attempt's cost as a line of JSON, kept if it is a duplicate answer; '' for none
-- ARGV[7] the task's id
-- Returns the outcome that was stored before, which stands; '' where there was none.
local key = KEYS[1]
local answer = redis.call('HGET', key, 'answer')
local answered = answer or ARGV[2] ~= ''
if answered and not answer then redis.call('HSET', key, 'answer', ARGV[2]) end
if answer and ARGV[6] ~= '' then
  redis.call('HSET', key, 'duplicates', (redis.call('HGET', key, 'duplicates') or '') .. ARGV[6] .. '\n')
  redis.call('HINCRBY', KEYS[2], 'duplicate_answers', 1)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', 'duplicate-answer',
    'provider', cjson.decode(ARGV[6]).provider, 'at_ms', string.format('%.0f', clock()), 'request', ARGV[7])
end
if redis.call('HGET', key, 'holder') == ARGV[1] then
  redis.call('HDEL', key, 'holder', 'until', 'asked')
  if not answered then
    redis.call('HSET', key, 'step', ARGV[4], 'due', string.format('%.0f', clock() + tonumber(ARGV[5])))
  end
end
redis.call('EXPIRE', key, ARGV[3])
return answer or ''
