-- Puts waiting completions back into their queue: those whose time is over, and, at a pace that the providers set,
-- those that a provider would admit now. The breakers are asked, not a time foreseen, so that what an operator or a
-- probe changes counts at once. Stands behind breaker.lua; park.lua tells of the keys.
--
-- KEYS[1] {ns}:waiting, KEYS[2] {ns}:waiting:rooms
-- KEYS[3] {ns}:waiting:pace   hash, kept for seconds: at (ms of the last tick), and by provider <provider> (successes
--         in a row at the last tick), <provider>:window, <provider>:top, <provider>:went (ms of the last release)
-- KEYS[4] zset of the messages in the workers' hands
-- KEYS[5..] the queue's lists, the most urgent first; the name of one ends in its priority
-- ARGV[1] {ns}:breaker:, ARGV[2] {ns}:waiting:room:
-- Returns {1 where more could leave at once, how many wait}.
--
-- The pace is TCP's, more gently: in each tick as many leave as the provider's window is larger than what is in hand or
-- ahead in the queue. The window is one until its breaker is closed, grows by half of what it answers, by one a tick at
-- most, so that few are too many at once; after a failure it is three quarters, from where on it grows by a tenth for
-- each windowful. Up to two transient failures in the last 100 calls narrow nothing: those happen to anybody. Rooms of
-- a higher priority go first. All that is in hand may be for others, so one leaves for each provider each second
-- whatever its window.

local TICK, SECOND = 100, 1000
local GROWTH, FASTEST, CAREFUL, LOSS, WIDEST = 0.5, 1, 0.1, 0.75, 10000
local MOST, BYTES = 50, 1000000  -- per call: Redis does nothing else meanwhile

local waiting, rooms, pace = KEYS[1], KEYS[2], KEYS[3]
local moved, bytes = 0, 0

-- Returns the list that a room's messages go to, and how many stand in it and in the more urgent ones.
local function list_of(room)
  local priority, ahead = string.match(room, '^%d+'), 0
  for i = 5, #KEYS do
    ahead = ahead + redis.call('LLEN', KEYS[i])
    if string.match(KEYS[i], '%d+$') == priority then return KEYS[i], ahead end
  end
end

-- Releases some of a room's `ids`, at most `most`, and returns how many.
local function release(room, ids, most)
  local key, list, n = ARGV[2] .. room, list_of(room), 0
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
  if b.error_at >= last and (b.failed > 2 or not string.match(b.error, '^transient')) then
    width = math.max(1, LOSS * width)
    return width, width
  end
  local answered = b.wins >= seen and b.wins - seen or b.wins
  local more = width < top and math.min(FASTEST, GROWTH * answered) or CAREFUL * answered / width
  return math.min(width + more, WIDEST), top
end

-- Returns how many a provider may have in hand, and whether none went to it for a second; nil where it does not admit.
local function share(provider, time, last)
  local key = ARGV[1] .. provider
  local b, now = read(key, time)
  b = b or fresh(now)
  local refused = refusal(b, key, now)
  local width, top = 1, WIDEST
  if not refused then width, top = window(provider, b, last) end
  redis.call('HSET', pace, provider, b.wins, provider .. ':window', width, provider .. ':top', top)
  if refused then return nil end
  return width, time - tonumber(redis.call('HGET', pace, provider .. ':went') or 0) >= SECOND
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
  local widths, overdue = {}, {}
  for _, room in ipairs(open) do
    local providers, most, least = {}, 0, 0
    for provider in string.gmatch(string.match(room, ':(.*)'), '[^,]+') do
      if widths[provider] == nil then
        widths[provider], overdue[provider] = share(provider, time, last)
        widths[provider] = widths[provider] or false
      end
      if widths[provider] then
        providers[#providers + 1] = provider
        most = most + widths[provider]
        if overdue[provider] then least = 1 end
      end
    end
    local _, ahead = list_of(room)
    most = math.max(math.floor(most - redis.call('ZCARD', KEYS[4]) - ahead), least)
    if providers[1] and most > 0 and release(room, redis.call('ZRANGE', ARGV[2] .. room, 0, MOST - 1), most) > 0 then
      for _, provider in ipairs(providers) do
        redis.call('HSET', pace, provider .. ':went', string.format('%.0f', time))
        overdue[provider] = false
      end
    end
  end
  redis.call('HSET', pace, 'at', string.format('%.0f', time))
  redis.call('PEXPIRE', pace, 10 * SECOND)
end

for _, room in ipairs(open) do
  if redis.call('EXISTS', ARGV[2] .. room) == 0 then redis.call('ZREM', rooms, room) end
end
return { full and 1 or 0, redis.call('HLEN', waiting) }
