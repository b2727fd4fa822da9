-- Limits of providers, and budgets: checked and reserved where a permit is granted, settled where its attempt is
-- recorded.
-- Comes between minute.lua and breaker.lua.
--
-- Keys:
--   {ns}:2:breaker:<provider>:minute  hash, see minute.lua
--   {ns}:2:breaker:<provider>:slots   zset: id of the permit -> ms at which it runs out, unless a heartbeat renews it
--   {ns}:2:budgets:<day>              hash, two days from its last new field: provider:<name>, chain:<name>,
--                                     tenant:<name> -> nano-USD reserved and spent on this day since the epoch, in UTC
--   {ns}:2:task:<id>                  its field `cost`: nano-USD of one completion
--
-- `limits` of SETTINGS, by provider: requests, tokens (each a minute), concurrency, nano (nano-USD a day); nil where
-- there is none. Amounts of money are whole nano-USD: 2^53 of them are 9 million USD.
--
-- A demand says what a completion will use. Python writes it as JSON, or '' without any limit and budget:
--   tokens, nano  lists of estimates, in the order of the providers asked
--   max           nano-USD of the whole completion; not there without a budget of its own
--   budgets       lists of {field, nano-USD a day, whose}

local SLOT_MS = 15000      -- as long as a lease: a killed worker's slots come back
local SLOT_RETRY = 1000    -- ms until others may ask again while all slots are taken
local SLOTS_KEPT = 3600    -- s from the last write
local DAY = 86400000
local MOST_FIELDS = 10000  -- of one day's budgets; further tenants share the field of OTHERS
local OTHERS = 'tenant:*'
local ROOM = 1e9           -- where nothing is limited
local NO_TIME = -1

local function limits_of(provider)
  local row = SETTINGS[provider]
  return row and row.limits
end

-- Returns a demand, with the task that it is for ('' for none) and the prefix of the keys; `events` is the stream's.
local function read_demand(text, task, events)
  local demand = text ~= '' and cjson.decode(text) or {}
  demand.task, demand.prefix = task, string.sub(events, 1, -1 - #'events')
  demand.minutes, demand.read = {}, {}
  return demand
end

local function free_slots(key, limit, now)
  redis.call('ZREMRANGEBYSCORE', key .. ':slots', '-inf', now)
  return limit - redis.call('ZCARD', key .. ':slots')
end

-- Returns nil where the limits of a provider admit a request of so many tokens; else the reason and the ms at which to
-- ask again. A minute that was read stays in the demand, for `reserve`.
local function over_limit(provider, key, now, demand, tokens)
  local limits = limits_of(provider)
  if not limits then return nil end
  if limits.concurrency and free_slots(key, limits.concurrency, now) < 1 then
    return 'limit: concurrency', now + SLOT_RETRY
  end
  if not limits.requests and not limits.tokens then return nil end
  local minute = read_minute(key .. ':minute', now)
  demand.minutes[key] = minute
  local over = limits.requests and minute.requests + 1 - limits.requests or 0
  if over > 0 then return 'limit: requests_per_minute', leaves_at(key .. ':minute', minute, REQUESTS, over) end
  over = limits.tokens and minute.tokens + tokens - limits.tokens or 0
  if over > 0 then return 'limit: tokens_per_minute', leaves_at(key .. ':minute', minute, TOKENS, over) end
  return nil
end

-- Returns how many more requests the limits of a provider admit now, if each has as many tokens as in the last minute.
local function room_within_limits(provider, key, now)
  local limits, room = limits_of(provider), ROOM
  if not limits then return room end
  if limits.concurrency then room = free_slots(key, limits.concurrency, now) end
  if not limits.requests and not limits.tokens then return room end
  local minute = read_minute(key .. ':minute', now)
  if limits.requests then room = math.min(room, limits.requests - minute.requests) end
  if limits.tokens and minute.tokens > 0 then
    room = math.min(room, (limits.tokens - minute.tokens) * minute.requests / minute.tokens)
  end
  return room
end

-- Returns the key of the budgets of the day of an instant in ms.
local function budgets_key(demand, at) return demand.prefix .. 'budgets:' .. whole(math.floor(at / DAY)) end

-- Returns the budgets of a day that count against a call of one provider, as `budgets` of a demand.
local function budgets_of(provider, demand)
  local limits = limits_of(provider)
  local found = limits and limits.nano and { { 'provider:' .. provider, limits.nano, 'provider' } } or {}
  for _, each in ipairs(demand.budgets or {}) do found[#found + 1] = each end
  return found
end

-- Returns the budgets of a day as `budgets_of` does, read once a script, with the `field` and the `spent` nano-USD of
-- each; `is_new` if a field is not stored. A new tenant of a full hash has the field of all further ones.
local function read_budgets(key, provider, demand)
  local budgets, fields = demand.read[key .. provider], {}
  if budgets then return budgets end
  budgets = budgets_of(provider, demand)
  demand.read[key .. provider] = budgets
  if not budgets[1] then return budgets end
  for i, each in ipairs(budgets) do fields[i] = each[1] end
  for i, spent in ipairs(redis.call('HMGET', key, unpack(fields))) do
    local each = budgets[i]
    each.field = fields[i]
    if not spent and string.sub(each.field, 1, 7) == 'tenant:' and redis.call('HLEN', key) >= MOST_FIELDS then
      each.field = OTHERS
      spent = redis.call('HGET', key, OTHERS)
    end
    each.spent, budgets.is_new = tonumber(spent or 0), budgets.is_new or not spent
  end
  return budgets
end

-- Returns as `over_limit`, for a call that is estimated to cost so much; what costs nothing is always admitted.
local function over_budget(provider, now, demand, nano)
  if nano <= 0 then return nil end
  if demand.max and demand.task ~= '' then
    local spent = tonumber(redis.call('HGET', demand.task, 'cost') or 0)
    if spent + nano > demand.max then return 'budget: max_cost_usd', NO_TIME end
  end
  for _, each in ipairs(read_budgets(budgets_key(demand, now), provider, demand)) do
    if each.spent + nano > each[2] then
      return 'budget: usd_per_day of the ' .. each[3], (math.floor(now / DAY) + 1) * DAY
    end
  end
  return nil
end

-- Returns what a demand estimates for the provider at this place: tokens and nano-USD.
local function estimated(demand, place)
  return demand.tokens and demand.tokens[place] or 0, demand.nano and demand.nano[place] or 0
end

-- Returns as `over_limit`, for budgets and limits together. A budget comes first: nobody waits for it.
local function beyond(provider, key, now, demand, place)
  local tokens, nano = estimated(demand, place)
  local reason, at = over_budget(provider, now, demand, nano)
  if reason then return reason, at end
  return over_limit(provider, key, now, demand, tokens)
end

-- Adds to all budgets of a call.
local function add_to_budgets(provider, demand, at, nano)
  if demand.max and demand.task ~= '' and redis.call('HEXISTS', demand.task, 'holder') == 1 then
    redis.call('HINCRBY', demand.task, 'cost', nano)
  end
  local key, written = budgets_key(demand, at), {}
  local budgets = read_budgets(key, provider, demand)
  if not budgets[1] then return end
  for _, each in ipairs(budgets) do
    written[#written + 1] = each.field
    written[#written + 1] = each.spent + nano
  end
  redis.call('HSET', key, unpack(written))
  if budgets.is_new then redis.call('EXPIRE', key, 2 * DAY / 1000) end
end

-- Reserves what a call is estimated to use that `beyond` has just admitted; its slot has the permit's name. Returns the
-- ms that `settle` needs, nil where there is neither limit nor budget.
local function reserve(provider, key, now, permit_id, demand, place)
  local limits, tokens, nano = limits_of(provider), estimated(demand, place)
  if not limits and nano <= 0 then return nil end
  local half = math.floor(now / HALF)
  if limits and (limits.requests or limits.tokens) then
    local minute = demand.minutes[key]
    add_to_minute(key .. ':minute', minute, tokens)
    half = minute.half
  end
  redis.call('ZADD', key .. ':slots', now + SLOT_MS, permit_id)
  redis.call('EXPIRE', key .. ':slots', SLOTS_KEPT)
  if nano > 0 then add_to_budgets(provider, demand, half * HALF, nano) end
  return half * HALF
end

-- Settles what was reserved, once: the slot is gone then. A slot that ran out keeps its estimate.
-- `settlement` is a demand whose `tokens` and `nano` say how much more was used than estimated; '' leaves the estimate.
local function settle(provider, key, slot, reserved_at, settlement, task, events)
  if slot == '' or redis.call('ZREM', key .. ':slots', slot) == 0 or settlement == '' then return end
  local used = read_demand(settlement, task, events)
  if used.tokens ~= 0 then correct_minute(key .. ':minute', reserved_at / HALF, used.tokens) end
  if used.nano ~= 0 then add_to_budgets(provider, used, reserved_at, used.nano) end
end
