-- Takes a task's lease for one delivery of its message.
--
-- KEYS[1] {ns}:task:<id>          hash: holder (token), until (ms), step, due (ms), first (ms), answer (JSON);
--         request: the fingerprints of what the id stands for, see identity.lua; stands alone from the claim of a
--         producer (claim.lua) until the first delivery;
--         asked: the provider that the holder was let ask, and when (ms); lost: the same of each holder that died,
--         a line each, empty where it died between two attempts; wasted: a JSON line per answer that came too late;
--         from: the lines of the journal that came before a replay
-- KEYS[2] {ns}:task:<id>:journal  list, a JSON line per provider considered
--         both live as long as a result, from the last touch
-- KEYS[3] {ns}:events             stream
-- ARGV[1] the delivery's token, ARGV[2] the lease in ms, ARGV[3] the message's step, ARGV[4] s to keep the keys,
-- ARGV[5] ms that a message of a later step gets to show up before an earlier one goes on in its place
-- ARGV[6] the request's fingerprints, '' where nobody can tell, ARGV[7] the task's id
-- Returns {'taken', time, time of the first delivery, step, journal, lost} with the lease, or without it
-- {'answered', answer, wasted}, {'held', ms left}, {'early', ms left}; where the id stands for another request
-- {'other', answer, wasted}, the answer being '' until there is one.
local time, key, token, step = clock(), KEYS[1], ARGV[1], tonumber(ARGV[3])
local t = redis.call('HMGET', key, 'holder', 'until', 'step', 'due', 'first', 'answer', 'asked', 'lost', 'wasted',
  'from', 'request')
if is_another(t[11], ARGV[6]) then
  tell_another(KEYS[3], ARGV[7])
  return { 'other', t[6] or '', t[9] or '' }
end
if t[6] then return { 'answered', t[6], t[9] or '' } end
if t[1] and t[1] ~= token and tonumber(t[2]) > time then return { 'held', tonumber(t[2]) - time } end
local known = tonumber(t[3] or 0)
if step < known then
  local patience = tonumber(t[4] or 0) + tonumber(ARGV[5]) - time
  if patience > 0 then return { 'early', patience } end
  step = known
end
local lost = t[8] or ''
if t[1] and t[1] ~= token then  -- who held it never let it go
  lost = lost .. (t[7] or '') .. '\n'
  redis.call('HSET', key, 'lost', lost)
  redis.call('HDEL', key, 'asked')
end
local first = tonumber(t[5] or time)
redis.call('HSET', key, 'holder', token, 'until', string.format('%.0f', time + tonumber(ARGV[2])), 'step', step,
  'first', string.format('%.0f', first), 'request', (t[11] or '') ~= '' and t[11] or ARGV[6])
redis.call('EXPIRE', key, ARGV[4])
return { 'taken', time, first, step, redis.call('LRANGE', KEYS[2], t[10] or 0, -1), lost }
