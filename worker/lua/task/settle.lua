-- Ends a delivery of a task: for good with its outcome, or until a later delivery. An outcome is stored and published
-- as Celery's result backend does it, in the same step.
--
-- KEYS[1] {ns}:2:task:<id>, KEYS[2] {ns}:2:task:<id>:journal, as in begin.lua
-- KEYS[3] {ns}:2:counters  hash, see worker/telemetry/counters.py
-- KEYS[4] {ns}:2:events    stream, see worker/telemetry/events.py
-- KEYS[5] celery-task-meta-<id>, see outcome.lua
-- ARGV[1] the lease id; '' for a producer that revokes the task
-- ARGV[2] the outcome for the field `answer`; '' where the task goes on later
-- ARGV[3] s to keep the task's keys; a revocation is remembered until the task is due, see schedule.lua
-- ARGV[4] the next message's step, ARGV[5] ms until it is due; with an outcome, ms at which it ended, 0 for now
-- ARGV[6] the answered attempt's cost as a line of JSON, kept if it is a duplicate answer; '' for none
-- ARGV[7] the task's id
-- ARGV[8] the outcome as Celery's result, ARGV[9] s to keep that (only with an outcome)
-- ARGV[10] what the task waits for until a later delivery: `backoff` or `parked`; '' with an outcome
-- ARGV[11..] lines to add to the journal
-- Returns the text of the outcome that was stored before, which stands; '' where there was none, or this very one: the
-- reply to the first call may have been lost.
local key, result_key, outcome = KEYS[1], KEYS[5], ARGV[2]
local answer, holder = unpack(redis.call('HMGET', key, 'answer', 'holder'))
local before = answer and outcome_text(answer, result_key)
local is_repeated = before and outcome ~= '' and redis.call('GET', result_key) == ARGV[8]
if is_repeated then before = nil end
if not answer and outcome ~= '' then
  redis.call('HSET', key, 'answer', outcome, 'ended', ARGV[5] == '0' and string.format('%.0f', clock()) or ARGV[5])
  redis.call('SET', result_key, ARGV[8], 'EX', ARGV[9])
  redis.call('PUBLISH', result_key, ARGV[8])
end
if before and ARGV[6] ~= '' then
  redis.call('HSET', key, 'duplicates', (redis.call('HGET', key, 'duplicates') or '') .. ARGV[6] .. '\n')
  redis.call('HINCRBY', KEYS[3], 'duplicate_answers', 1)
  add_event(KEYS[4], 'duplicate-answer', cjson.decode(ARGV[6]).provider, clock(), 'request', ARGV[7])
end
if holder == ARGV[1] then
  redis.call('HDEL', key, 'holder', 'until', 'asked')
  if not answer and outcome == '' then
    local now = clock()
    redis.call('HSET', key, 'step', ARGV[4], 'due', string.format('%.0f', now + tonumber(ARGV[5])),
      'paused', string.format('%s %.0f', ARGV[10], now))
  end
end
redis.call('EXPIRE', key, ARGV[1] == '' and math.max(ARGV[3], redis.call('TTL', key)) or ARGV[3])
if ARGV[11] and not is_repeated then redis.call('RPUSH', KEYS[2], unpack(ARGV, 11)) end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return before or ''
