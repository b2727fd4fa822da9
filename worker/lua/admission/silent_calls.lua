-- Counts a provider's silent calls. Comes before stalls.lua, which writes them, and silences.lua.

local REPORTED_EVERY = 3500  -- ms; by then every process that had a token meanwhile has said so
local SPOKE_KEPT = 60000

-- Returns how many calls of a breaker's generation are silent now, whether they are of several requests, and when the
-- first began; none of them where a call has had a token since then. `silent` is the key: see stalls.lua.
local function count_silent(silent, b, now)
  local spoke = tonumber(redis.call('ZSCORE', silent, 'spoke') or SPOKE_KEPT) - SPOKE_KEPT
  local count, several, first, first_began = 0, false, nil, nil
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', silent, '(' .. whole(now), '+inf')) do
    local began, generation, request = string.match(member, '^(%d+) (%d+) (.*)$')
    if began and tonumber(generation) == b.generation and tonumber(began) > spoke
      and tonumber(began) <= now - REPORTED_EVERY then
      count, several = count + 1, several or (first ~= nil and first ~= request)
      first, first_began = first or request, math.min(first_began or now, tonumber(began))
    end
  end
  return count, several, first_began
end
