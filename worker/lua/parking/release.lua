-- Puts parked completions back into their queue: those that have no time left, and those that a provider would admit
-- now, as far as flow control allows. It asks the breakers at every call, so a change by an operator or a probe counts
-- at once. Comes after breaker.lua; park.lua describes the keys.
--
-- KEYS[1] {ns}:2:parked, KEYS[2] {ns}:2:parked:groups
-- KEYS[3] {ns}:2:parked:flow   hash, kept for 10 s: at (ms of the last tick), and for each provider <provider>
--         (consecutive successes at the last tick), <provider>:window, <provider>:top (where growth slows down),
--         <provider>:went (ms of the last release)
-- KEYS[4] zset of the unacknowledged messages
-- KEYS[5..] the queue's lists, the most urgent first; the name of one ends in its priority
-- ARGV[1] {ns}:2:breaker:, ARGV[2] {ns}:2:parked:group:
-- Returns {1 where more could leave at once, the number of parked completions}.
--
-- Flow control works as in TCP, with smaller steps. A provider's window is how many messages may be unacknowledged for
-- it.
-- 1. Each tick releases the window less what is unacknowledged or ahead in the queue.
-- 2. The window is 1 until the breaker is closed. Then it grows by half of the successes since the last tick, by at
--    most 1 a tick.
-- 3. A failure narrows it to three quarters. From there it grows by a tenth for each windowful of successes. Up to two
--    transient failures in the last 100 calls do not narrow it.
-- 4. Groups of a higher priority go first.
-- 5. One message leaves for each provider each second whatever its window: the unacknowledged ones may all be for
--    others.

local TICK, SECOND = 100, 1000
local GROWTH, FASTEST, CAREFUL, LOSS, WIDEST = 0.5, 1, 0.1, 0.75, 10000
local MOST, BYTES = 50, 1000000  -- per call: Redis does nothing else meanwhile

local parked, groups, flow = KEYS[1], KEYS[2], KEYS[3]
local moved, bytes = 0, 0

-- Returns the queue's list for a group, and the number of messages in it and in the more urgent lists.
local function queue_list(group)
  local priority, ahead = string.match(group, '^%d+'), 0
  for i = 5, #KEYS do
    ahead = ahead + redis.call('LLEN', KEYS[i])
    if string.match(KEYS[i], '%d+$') == priority then return KEYS[i], ahead end
  end
end

-- Takes tasks out of the chains that they are counted for.
local function uncount(ids)
  for _, chain in ipairs(redis.call('SMEMBERS', parked .. ':chains')) do
    local key = parked .. ':chain:' .. chain
    redis.call('ZREM', key, unpack(ids))
    if redis.call('EXISTS', key) == 0 then redis.call('SREM', parked .. ':chains', chain) end
  end
end

-- Takes out of the chains who has left by a worker of a release that does not count by chain: of each the oldest, up to
-- the first one that is parked.
local function forget_gone()
  for _, chain in ipairs(redis.call('SMEMBERS', parked .. ':chains')) do
    local key, gone = parked .. ':chain:' .. chain, {}
    local id = redis.call('ZRANGE', key, 0, 0)[1]
    while id and #gone < MOST and redis.call('HEXISTS', parked, id) == 0 do
      gone[#gone + 1] = id
      id = redis.call('ZRANGE', key, #gone, #gone)[1]
    end
    if gone[1] then uncount(gone) end
  end
end

-- Releases at most `most` of a group's `ids`; returns how many.
local function release(group, ids, most)
  local key, list, n = ARGV[2] .. group, queue_list(group), 0
  for _, id in ipairs(ids) do
    bytes = bytes + redis.call('HSTRLEN', parked, id)
    if n >= most or moved >= MOST or (moved > 0 and bytes > BYTES) then break end
    redis.call('LPUSH', list, redis.call('HGET', parked, id))
    redis.call('HDEL', parked, id)
    redis.call('ZREM', key, id)
    redis.call('ZREM', key .. ':deadlines', id)
    moved, n = moved + 1, n + 1
  end
  if n > 0 then uncount({ unpack(ids, 1, n) }) end
  return n
end

-- Returns a provider's new window and top, from the outcomes of its calls since the last tick.
local function next_window(provider, b, last)
  local seen, width, top = unpack(redis.call('HMGET', flow, provider, provider .. ':window', provider .. ':top'))
  if not seen or (b.state ~= 'closed' and b.override == '') then return 1, WIDEST end
  seen, width, top = tonumber(seen), tonumber(width), tonumber(top)
  if b.error_at >= last and (b.failed > 2 or not string.match(b.error, '^transient')) then
    width = math.max(1, LOSS * width)
    return width, width
  end
  local answered = b.consecutive_successes >= seen and b.consecutive_successes - seen or b.consecutive_successes
  local more = width < top and math.min(FASTEST, GROWTH * answered) or CAREFUL * answered / width
  return math.min(width + more, WIDEST), top
end

-- Returns a provider's window, whether nothing was released for it in the last second, and how many requests its limits
-- admit; nil if it does not admit.
local function allowance(provider, time, last)
  local key = ARGV[1] .. provider
  local b, now = read_breaker(key, time)
  b = b or new_breaker(now)
  local refused = refusal(b, key, now)
  local width, top = 1, WIDEST
  if not refused then width, top = next_window(provider, b, last) end
  redis.call('HSET', flow, provider, b.consecutive_successes, provider .. ':window', width, provider .. ':top', top)
  local within = refused and 0 or room_within_limits(provider, key, now)
  if within < 1 then return nil end
  local waited = time - tonumber(redis.call('HGET', flow, provider .. ':went') or 0) >= SECOND
  return width, waited, within
end

-- Releases what has no time left, whether or not a provider admits; returns whether that alone fills this call.
local function release_overdue(names, time)
  local now = string.format('%.0f', time)
  for _, group in ipairs(names) do
    local overdue = redis.call('ZRANGEBYSCORE', ARGV[2] .. group .. ':deadlines', '-inf', now, 'LIMIT', 0, MOST)
    release(group, overdue, MOST)
  end
  return moved >= MOST or bytes > BYTES
end

-- Returns the providers of a group that admit, the sum of their windows, 1 where nothing was released for one of them
-- in the last second, else 0, and how many requests their limits admit. `known` keeps each provider's figures for the
-- other groups of this call.
local function admitting_providers(group, known, time, last)
  local providers, window, least, within = {}, 0, 0, 0
  for provider in string.gmatch(string.match(group, ':(.*)'), '[^,]+') do
    if known[provider] == nil then
      local width, waited, allowed = allowance(provider, time, last)
      known[provider] = width and { width = width, waited = waited, within = allowed } or false
    end
    local found = known[provider]
    if found then
      providers[#providers + 1] = provider
      window, within = window + found.width, within + found.within
      if found.waited then least = 1 end
    end
  end
  return providers, window, least, within
end

-- Releases from each group as many as its providers' windows have room for.
local function release_admitted(names, time, last)
  local known = {}
  for _, group in ipairs(names) do
    local providers, room, least, within = admitting_providers(group, known, time, last)
    local _, ahead = queue_list(group)
    room = math.min(math.max(math.floor(room - redis.call('ZCARD', KEYS[4]) - ahead), least), math.floor(within))
    local oldest = providers[1] and room > 0 and redis.call('ZRANGE', ARGV[2] .. group, 0, MOST - 1)
    local left = oldest and release(group, oldest, room) or 0
    if left > 0 then
      for _, provider in ipairs(providers) do
        redis.call('HSET', flow, provider .. ':went', string.format('%.0f', time))
        known[provider].waited, known[provider].within = false, known[provider].within - left
      end
    end
  end
  redis.call('HSET', flow, 'at', string.format('%.0f', time))
  redis.call('PEXPIRE', flow, 10 * SECOND)
end

local time = clock()
local names = redis.call('ZRANGE', groups, 0, -1)
local full = release_overdue(names, time)
local last = tonumber(redis.call('HGET', flow, 'at') or 0)
if not full and time - last >= TICK and names[1] then release_admitted(names, time, last) end
forget_gone()
for _, group in ipairs(names) do
  if redis.call('EXISTS', ARGV[2] .. group) == 0 then redis.call('ZREM', groups, group) end
end
return { full and 1 or 0, redis.call('HLEN', parked) }
