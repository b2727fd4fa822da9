-- Takes a task's lease for one delivery of its message.
--
-- KEYS[1] {ns}:task:<id>          hash: holder (token), until (ms), step, due (ms), first (ms), answer (JSON);
--         asked: the provider that the holder was let ask, and when (ms); lost: the same of each holder that died,
--         a line each, empty where it died between two attempts; wasted: a JSON line per answer that came too late;
--         from: the lines of the journal that came before a replay
-- KEYS[2] {ns}:task:<id>:journal  list, a JSON line per provider considered
--         both live as long as a result, from the last touch
-- ARGV[1] the delivery's token, ARGV[2] the lease in ms, ARGV[3] the message's step, ARGV[4] s to keep the keys,
-- ARGV[5] ms that a message of a later step gets to show up before an earlier one goes on in its place
-- Returns {'taken', time, time of the first delivery, step, journal, lost} with the lease, or without it
-- {'answered', answer, wasted}, {'held', ms left}, {'early', ms left}.
local time, key, token, step = clock(), KEYS[1], ARGV[1], tonumber(ARGV[3])
local t = redis.call('HMGET', key, 'holder', 'until', 'step', 'due', 'first', 'answer', 'asked', 'lost', 'wasted',
  'from')
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
  'first', string.format('%.0f', first))
redis.call('EXPIRE', key, ARGV[4])
return { 'taken', time, first, step, redis.call('LRANGE', KEYS[2], t[10] or 0, -1), lost }
