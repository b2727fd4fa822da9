-- Puts waiting completions back into their queue: those whose time is over, and, at a pace that the providers set,
-- those that a provider would admit now. The breakers are asked, not a time foreseen, so that what an operator or a
-- probe changes counts at once. Stands behind breaker.lua; park.lua tells of the keys.
--
-- KEYS[1] {ns}:waiting, KEYS[2] {ns}:waiting:rooms
-- KEYS[3] {ns}:waiting:pace   hash, kept seconds: at (ms of the last tick), went (ms of the last release); by provider
--         <provider> (its successes in a row at the last tick), <provider>:window, <provider>:top
-- KEYS[4] zset of the messages in the workers' hands
-- ARGV[1] {ns}:breaker:, ARGV[2] {ns}:waiting:room:, ARGV[3] the start of the names of the queue's lists, which end in
--         the priority
-- Returns {1 where more could leave at once, how many wait}.
--
-- The pace is TCP's, more gently: in each tick as many leave as the provider's window is larger than what is in hand.
-- The window is one until its breaker is closed, grows by a quarter of what it answers, and after a failure is three
-- quarters, from where on it grows by a quarter for each windowful. Rooms of a higher priority go first. All that is in
-- hand may be others', so one leaves each second whatever the window.

local TICK, SECOND = 100, 1000
local GROWTH, LOSS, WIDEST = 0.25, 0.75, 10000
local MOST, BYTES = 50, 1000000  -- per call: Redis does nothing else meanwhile

local waiting, rooms, pace = KEYS[1], KEYS[2], KEYS[3]
local moved, bytes = 0, 0

-- Releases some of a room's `ids`, at most `most`, and returns how many.
local function release(room, ids, most)
  local key, list, n = ARGV[2] .. room, ARGV[3] .. string.match(room, '^%d+'), 0
  for _, id in ipairs(ids) do
    bytes = bytes + redis.call('HSTRLEN', waiting, id)
    if n >= most or moved >= MOST or (moved > 0 and bytes > BYTES) then break end
    redis.call('LPUSH', list, redis.call('HGET', waiting, id))
    redis.call('HDEL', waiting, id)
    redis.call('ZREM', key, id)
    redis.call('ZREM', key .. ':deadlines', id)
    moved, n = moved + 1, n + 1
  end
  return n
end

-- Returns a provider's window and where its growth slows down, by what came of its calls since the last tick.
local function window(provider, b, last)
  local seen, width, top = unpack(redis.call('HMGET', pace, provider, provider .. ':window', provider .. ':top'))
  if not seen or (b.state ~= 'closed' and b.override == '') then return 1, WIDEST end
  seen, width, top = tonumber(seen), tonumber(width), tonumber(top)
  if b.error_at >= last then
    width = math.max(1, LOSS * width)
    return width, width
  end
  local answered = b.wins >= seen and b.wins - seen or b.wins
  return math.min(width + answered * GROWTH / (width < top and 1 or width), WIDEST), top
end

-- Returns how many a provider may be sent in this tick.
local function share(provider, time, last)
  local key = ARGV[1] .. provider
  local b, now = read(key, time)
  b = b or fresh(now)
  local refused = refusal(b, key, now)
  local width, top = 1, WIDEST
  if not refused then width, top = window(provider, b, last) end
  redis.call('HSET', pace, provider, b.wins, provider .. ':window', width, provider .. ':top', top)
  if refused then return 0 end
  local overdue = time - tonumber(redis.call('HGET', pace, 'went') or 0) >= SECOND
  return math.max(math.floor(width - redis.call('ZCARD', KEYS[4])), overdue and 1 or 0)
end

local time = clock()
local open = redis.call('ZRANGE', rooms, 0, -1)
for _, room in ipairs(open) do
  local over = redis.call('ZRANGEBYSCORE', ARGV[2] .. room .. ':deadlines', '-inf', string.format('%.0f', time),
    'LIMIT', 0, MOST)
  release(room, over, MOST)
end
local full = moved >= MOST or bytes > BYTES

local last = tonumber(redis.call('HGET', pace, 'at') or 0)
if not full and time - last >= TICK and open[1] then
  local left = {}
  for _, room in ipairs(open) do
    local providers, most = {}, 0
    for provider in string.gmatch(string.match(room, ':(.*)'), '[^,]+') do
      left[provider] = left[provider] or share(provider, time, last)
      providers[#providers + 1] = provider
      most = most + left[provider]
    end
    local went = most > 0 and release(room, redis.call('ZRANGE', ARGV[2] .. room, 0, MOST - 1), most) or 0
    for _, provider in ipairs(providers) do
      local taken = math.min(left[provider], went)
      left[provider], went = left[provider] - taken, went - taken
    end
  end
  redis.call('HSET', pace, 'at', string.format('%.0f', time))
  if moved > 0 then redis.call('HSET', pace, 'went', string.format('%.0f', time)) end
  redis.call('PEXPIRE', pace, 10 * SECOND)
end

for _, room in ipairs(open) do
  if redis.call('EXISTS', ARGV[2] .. room) == 0 then redis.call('ZREM', rooms, room) end
end
return { full and 1 or 0, redis.call('HLEN', waiting) }
