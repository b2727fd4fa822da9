-- Grants a permit. Comes after breaker.lua and score.lua, before acquire.lua and record.lua.

-- Takes a permit from the first provider that admits; from a deprioritised one only where no other admits.
-- The breakers are KEYS[first_key..], their providers ARGV[first_provider..], in order; within a group their scores
-- decide, see score.lua. For a provider in `tried` the permit is one for a retry. Limits, budgets and then the retry
-- budget refuse, too.
-- Returns {'next' | 'none', place from 1, generation, 1 for a half-open permit, ms at which the earliest admits, time,
-- refusals, `usual_first_tokens` of the one that admits, ms of the reservation, its score}.
-- 1. `refusals` has a pair {reason, ms until when} for each provider asked before the decision, in the order of asking;
--    the reason is '' for the one that admits. For one in a group its place comes third.
-- 2. The ms are there where limits.lua reserved something; with a score they are 0 elsewhere.
-- 3. The score is there for one in a group, as `score_reply`.
local function first_admitting(first_key, first_provider, events, time, permit_id, tried, demand)
  local earliest, refusals, last = NEVER, {}, nil
  local function read(place)
    local key, provider = KEYS[first_key + place - 1], ARGV[first_provider + place - 1]
    local b, now = read_breaker(key, time)
    return { place = place, key = key, provider = provider, b = b or new_breaker(now), now = now, is_new = not b }
  end
  local function admitted(found)
    if found.score then add_to_load(found.b, found.load) end
    local generation, half_open = grant_permit(found.b, found.provider, found.key, events, found.now, permit_id,
      tried[found.provider])
    local reply = { 'next', found.place, generation, half_open, NEVER, time, refusals,
      usual_first_tokens(found.b, found.provider),
      reserve(found.provider, found.key, found.now, permit_id, demand, found.place) }
    if found.score then
      redis.call('HSET', found.key, 'load', found.b.load)
      reply[9], reply[10] = reply[9] or 0, score_reply(found.score)
    end
    return reply
  end
  for found in in_order(#KEYS - first_key + 1, demand.scored, read, time) do
    local key, provider, b, now = found.key, found.provider, found.b, found.now
    if found.is_new then write_breaker(key, b, now, provider, events) end
    local reason, at = refusal(b, key, now)
    if not reason then reason, at = beyond(provider, key, now, demand, found.place) end
    if not reason and tried[provider] then
      at = retry_postponed(b, now, SETTINGS[provider])
      reason = at and 'retry-budget'
    end
    if not reason and not found.score and b.deprioritised_until > now and b.override == '' then
      reason, at = 'deprioritised', b.deprioritised_until
      last = last or found
    elseif not reason then
      return admitted(found)
    elseif at ~= NEVER and (earliest == NEVER or at < earliest) then
      earliest = at
    end
    refusals[#refusals + 1] = { reason, at, found.score and found.place }
  end
  if not last then return { 'none', 0, 0, 0, earliest, time, refusals } end
  refusals[last.place][1] = ''
  return admitted(last)
end
