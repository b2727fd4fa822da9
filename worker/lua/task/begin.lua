-- Takes a task's lease for one delivery of its message.
--
-- KEYS[1] {ns}:2:task:<id>          hash, fields below; kept ARGV[4] s from the last write
-- KEYS[2] {ns}:2:task:<id>:journal  list, a JSON line per provider considered; kept 24 h from the last line
-- KEYS[3] {ns}:2:events             stream
-- KEYS[4] celery-task-meta-<id>     string, Celery's result, see outcome.lua
-- ARGV[1] the lease id, ARGV[2] the lease in ms, ARGV[3] the message's step, ARGV[4] s to keep the task's key
-- ARGV[5] ms past its due time that a later step's message may take before an earlier message goes on in its place
-- ARGV[6] the request's fingerprints, '' where they are not known, ARGV[7] the task's id
-- Returns one of
--   {'taken', time, time of the first delivery, step, journal, crashed, paused, due}  with the lease; `paused` is ''
--                                     where the last delivery did not end by itself, or none was before
--   {'answered', outcome_text, duplicates}
--   {'held', ms left}                 another delivery has the lease
--   {'early', ms left}                a later step's message is expected
--   {'other', outcome_text or '', duplicates}  the id stands for another request
--
-- Fields of the hash:
--   holder, until   the lease id, and when the lease ends (ms)
--   step, due       the step of the next message, and when it is due (ms)
--   paused          what the task waits for, `backoff` or `parked`, and since when (ms); '' while a delivery goes on
--   first           when the task was first delivered (ms)
--   answer          the outcome that stands, see outcome.lua
--   duplicates      a JSON line per duplicate answer
--   asked           the provider that the holder may ask, and since when (ms)
--   tried           the providers that failed it since its last fresh round, separated by blanks
--   crashed         a line per worker that died as the holder: its `asked`, empty where it died between two attempts
--   cost            nano-USD reserved and used by its attempts, see limits.lua; only under `max_cost_usd`
--   from            how many lines of the journal came before a replay
--   request         fingerprints of the request that the id stands for, see identity.lua; the only field between a
--                   producer's claim (claim.lua) and the first delivery
local time, key, lease_id, step = clock(), KEYS[1], ARGV[1], tonumber(ARGV[3])
local holder, held_until, known_step, due, first, answer, asked, crashed, duplicates, from, request, paused = unpack(
  redis.call('HMGET', key, 'holder', 'until', 'step', 'due', 'first', 'answer', 'asked', 'crashed', 'duplicates',
    'from', 'request', 'paused'))
if answer then answer = outcome_text(answer, KEYS[4]) end
if is_another(request, ARGV[6]) then
  report_reused_id(KEYS[3], ARGV[7])
  return { 'other', answer or '', duplicates or '' }
end
if answer then return { 'answered', answer, duplicates or '' } end
local is_others = holder and holder ~= lease_id
if is_others and tonumber(held_until) > time then return { 'held', tonumber(held_until) - time } end
known_step = tonumber(known_step or 0)
if step < known_step then
  local patience = tonumber(due or 0) + tonumber(ARGV[5]) - time
  if patience > 0 then return { 'early', patience } end
  step = known_step
end
crashed = crashed or ''
if is_others then  -- its lease ran out: its worker died
  crashed = crashed .. (asked or '') .. '\n'
  redis.call('HSET', key, 'crashed', crashed)
  redis.call('HDEL', key, 'asked')
end
first = tonumber(first or time)
local fields = { 'holder', lease_id, 'until', string.format('%.0f', time + tonumber(ARGV[2])), 'step', step,
  'first', string.format('%.0f', first), 'request', (request or '') ~= '' and request or ARGV[6] }
if paused then
  fields[#fields + 1], fields[#fields + 2] = 'paused', ''
end
redis.call('HSET', key, unpack(fields))
redis.call('EXPIRE', key, ARGV[4])
return { 'taken', time, first, step, redis.call('LRANGE', KEYS[2], from or 0, -1), crashed,
  paused or '', tonumber(due or 0) }
