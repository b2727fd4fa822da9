-- Ends a delivery of a task: with its answer for good, or until a later delivery.
--
-- KEYS[1] {ns}:task:<id>, as in begin.lua
-- KEYS[2] {ns}:counters  hash, see worker/metrics.py
-- KEYS[3] {ns}:events    stream, see worker/events.py
-- ARGV[1] the delivery's token; '' for a producer that takes the task back
-- ARGV[2] the answer as JSON; '' where the task goes on later
-- ARGV[3] s to keep the key
-- ARGV[4] the next message's step, ARGV[5] ms until it is due (only without an answer)
-- ARGV[6] what the attempt that was answered took, as a line of JSON: waste where an answer stood; '' for none
-- ARGV[7] the task's id
-- Returns the answer that stood already, which is the first one given, whoever gave it; '' where there was none.
local key = KEYS[1]
local answer = redis.call('HGET', key, 'answer')
local answered = answer or ARGV[2] ~= ''
if answered and not answer then redis.call('HSET', key, 'answer', ARGV[2]) end
if answer and ARGV[6] ~= '' then
  redis.call('HSET', key, 'wasted', (redis.call('HGET', key, 'wasted') or '') .. ARGV[6] .. '\n')
  redis.call('HINCRBY', KEYS[2], 'wasted_answers', 1)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', 'answer-wasted',
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
