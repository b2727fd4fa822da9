-- What was granted of a provider in the last minute, counted in half seconds. Comes before limits.lua.
--
-- {ns}:2:breaker:<provider>:minute  hash, two minutes from its last new half second:
--   at                the latest half second, as an epoch in half seconds
--   requests, tokens  the sums of the window
--   <n>               of half second n: requests and tokens, separated by a blank
--
-- The window is the latest half second and the 120 before it. Two grants that are less than a minute apart are at most
-- 120 half seconds apart, so that no minute has more than the window.

local HALF, WINDOW = 500, 120  -- ms; half seconds before the latest
local REQUESTS, TOKENS = 1, 2  -- places in a half second's counts

local function whole(number) return string.format('%.0f', number) end

-- Returns the names of the fields of half seconds.
local function halves(from, to)
  local names = {}
  for n = from, to do names[#names + 1] = n end
  return names
end

local function counts(value)
  local requests, tokens = string.match(value or '0 0', '(%d+) (%-?%d+)')
  return { tonumber(requests), tonumber(tokens) }
end

-- Returns the half second now, its value as stored, and the sums of its window. What has left the window is deleted.
local function read_minute(key, now)
  local half = math.floor(now / HALF)
  local at, requests, tokens, latest = unpack(redis.call('HMGET', key, 'at', 'requests', 'tokens', half))
  if not at then return { half = half, requests = 0, tokens = 0 } end
  at = tonumber(at)
  if at > half then latest = redis.call('HGET', key, at) end
  local minute = { half = math.max(half, at), value = latest, requests = tonumber(requests), tokens = tonumber(tokens) }
  if minute.half == at then return minute end
  if minute.half - at > WINDOW then
    redis.call('DEL', key)
    return { half = half, requests = 0, tokens = 0 }
  end
  local left = halves(at - WINDOW, minute.half - WINDOW - 1)
  for _, value in ipairs(redis.call('HMGET', key, unpack(left))) do
    local gone = counts(value)
    minute.requests, minute.tokens = minute.requests - gone[REQUESTS], minute.tokens - gone[TOKENS]
  end
  redis.call('HDEL', key, unpack(left))
  redis.call('HSET', key, 'at', minute.half, 'requests', minute.requests, 'tokens', minute.tokens)
  return minute
end

-- Returns the ms at which so many requests or tokens have left the window.
local function leaves_at(key, minute, place, number)
  for i, value in ipairs(redis.call('HMGET', key, unpack(halves(minute.half - WINDOW, minute.half)))) do
    number = number - counts(value)[place]
    if number <= 0 then return (minute.half + i) * HALF end
  end
end

-- Counts one request of so many tokens in the half second of a minute that this script has read.
local function add_to_minute(key, minute, tokens)
  local half, now = minute.half, counts(minute.value)
  redis.call('HSET', key, 'at', half, 'requests', minute.requests + 1, 'tokens', minute.tokens + tokens,
    half, whole(now[REQUESTS] + 1) .. ' ' .. whole(now[TOKENS] + tokens))
  if not minute.value then redis.call('EXPIRE', key, 2 * WINDOW * HALF / 1000) end
end

-- Corrects the tokens of a half second that has not been deleted yet.
local function correct_minute(key, half, tokens)
  local value, sum = unpack(redis.call('HMGET', key, half, 'tokens'))
  if not value then return end
  local then_counted = counts(value)
  redis.call('HSET', key, 'tokens', tonumber(sum) + tokens,
    half, whole(then_counted[REQUESTS]) .. ' ' .. whole(then_counted[TOKENS] + tokens))
end
