-- Writes the events that a receiver of alerts is to get once more, to a stream from which nothing else pushes them out.
-- Comes after ALERTS and event.lua, and only where a receiver is configured.
--
-- ALERTS, by receiver: the types of its events, with a blank around each.
-- Keys, whose prefix is that of the events:
--   {ns}:2:alerts             stream, the last 10,000 entries, of the fields of their events
--   {ns}:2:alerts:<receiver>  hash, see receive.lua
--   {ns}:2:counters           hash; `alerts_dropped` is of alerts that left the stream before a receiver had them
--                             (or while a sender had them in hand: it reads up to 100 at once)
local MOST_ALERTS = 10000

-- Returns whether the id of an entry comes after another's.
local function is_later(id, other)
  local ms, number = string.match(id, '(%d+)-(%d+)')
  local other_ms, other_number = string.match(other, '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(number) > tonumber(other_number)
end

-- Counts the oldest entry for each receiver that is to get it and has not.
local function count_dropped(alerts, counters)
  local id, fields = unpack(redis.call('XRANGE', alerts, '-', '+', 'COUNT', 1)[1])
  for receiver, kinds in pairs(ALERTS) do
    local cursor = redis.call('HGET', alerts .. ':' .. receiver, 'cursor')
    if cursor and is_later(id, cursor) and string.find(kinds, ' ' .. fields[2] .. ' ', 1, true) then
      redis.call('HINCRBY', counters, 'alerts_dropped', 1)
    end
  end
end

write_alert = function(events, kind, provider, now, ...)
  local is_wanted = false
  for _, kinds in pairs(ALERTS) do
    is_wanted = is_wanted or string.find(kinds, ' ' .. kind .. ' ', 1, true)
  end
  if not is_wanted then return end
  local prefix = string.sub(events, 1, -1 - #'events')
  local alerts = prefix .. 'alerts'
  if redis.call('XLEN', alerts) >= MOST_ALERTS then count_dropped(alerts, prefix .. 'counters') end
  redis.call('XADD', alerts, 'MAXLEN', MOST_ALERTS, '*',
    'type', kind, 'provider', provider, 'at_ms', string.format('%.0f', now), ...)
end
