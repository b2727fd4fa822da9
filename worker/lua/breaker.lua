-- One provider's breaker: reading it, asking it, changing its state. Stands before acquire.lua, record.lua,
-- control.lua, extend.lua and snapshot.lua; clock.lua and the table SETTINGS stand before it.
--
-- Keys of one provider, all in one slot by the hash tag of the namespace:
--   {ns}:breaker:<provider>         hash, FIELDS below; 24 h, refreshed at every write; no expiry under an override
--   {ns}:breaker:<provider>:window  string, ring of the last 100 outcomes, 4 bytes each: flag, latency in ms;
--                                   lives as long as the hash
--   {ns}:breaker:<provider>:leases  zset, half-open only: permit -> deadline in ms
--   {ns}:events                     stream, about 10,000 entries
--
-- SETTINGS, by provider: failures, successes (counts), cooldown, lease (ms).

local KEEP = 86400            -- s that a key outlives its last write
local RING = 100              -- outcomes in the window
local LONGEST_COOLDOWN = 600000
local QUOTA, LONGEST_QUOTA = 600000, 3600000
local LONGEST_RETRY_AFTER = 3600000
local ASK_AGAIN = 1000        -- ms until others may ask again while a half-open lease is taken
local NEVER = -1
local FAILED = 2              -- flag of a failure in the ring; a success is 1

local FIELDS = {
  'state',          -- closed | open | half-open
  'generation',     -- rises with every change of state: max(old + 1, TIME in ms)
  'open_until',     -- ms
  'opens',          -- openings in a row
  'passed',         -- successes while half-open
  'limited_until',  -- ms; nothing is admitted before it
  'override',       -- open | closed, by an operator
  'override_until', -- ms; 0 is without end
  'locked',         -- 1 after a 401, until an authenticated probe or an operator clears it
  'quota',          -- openings in a row for an exhausted quota
  'streak',         -- failures in a row
  'first',          -- request of the streak's first failure
  'several',        -- 1 when the streak comes from at least two requests
  'count', 'failed', 'index',  -- of the ring: entries, failures among them, next place
  'error', 'error_at',         -- the last failure in a few words, and when (ms)
  'seen',           -- ms; the latest time that this key has known: its time never runs back
}
local TEXT = { state = true, override = true, first = true, error = true }

local function read(key, time)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  if not values[1] then return nil, time end
  local b = {}
  for i, field in ipairs(FIELDS) do
    b[field] = values[i] or ''
    if not TEXT[field] then b[field] = tonumber(b[field]) or 0 end
  end
  local now = math.max(time, b.seen)
  if b.override ~= '' and b.override_until > 0 and now >= b.override_until then
    b.override, b.override_until = '', 0
  end
  return b, now
end

local function write(key, b, now)
  b.seen = now
  local flat = {}
  for _, field in ipairs(FIELDS) do
    local value = b[field]
    flat[#flat + 1] = field
    flat[#flat + 1] = TEXT[field] and value or string.format('%.0f', value)
  end
  redis.call('HSET', key, unpack(flat))
  for _, kept in ipairs({ key, key .. ':window' }) do  -- counts that outlive their window never come down again
    if b.override ~= '' then redis.call('PERSIST', kept) else redis.call('EXPIRE', kept, KEEP) end
  end
end

local function fresh(now)
  local b = {}
  for _, field in ipairs(FIELDS) do b[field] = TEXT[field] and '' or 0 end
  b.state, b.generation = 'closed', now
  return b
end

local function tell(events, kind, provider, now, ...)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
    'type', kind, 'provider', provider, 'at_ms', string.format('%.0f', now), ...)
end

-- Moves to a state: the generation rises, so whatever was acquired before changes nothing any more.
local function move(b, to, now, key)
  b.state, b.generation, b.passed = to, math.max(b.generation + 1, now), 0
  redis.call('DEL', key .. ':leases')
end

-- Opens for `length` ms plus up to a tenth; `draw` is 0 to 999.
local function open(b, provider, key, events, now, length, draw, cause)
  move(b, 'open', now, key)
  b.opens = b.opens + 1
  b.open_until = now + math.floor(length * (1 + draw / 10000))
  tell(events, 'circuit-breaker-open', provider, now, 'cause', cause, 'failures', b.streak,
    'open_until_ms', string.format('%.0f', b.open_until), 'opens', b.opens)
end

local function trip(b, provider, key, events, now, draw, cause)
  local cooldown = SETTINGS[provider].cooldown
  local length = math.min(cooldown * 2 ^ math.min(b.opens, 30), math.max(LONGEST_COOLDOWN, cooldown))
  open(b, provider, key, events, now, length, draw, cause)
end

-- Returns nil where the breaker admits at `now`; else the reason and the ms at which to ask again.
local function refusal(b, key, now)
  if b.override == 'closed' then return nil end
  if b.override == 'open' then
    return 'forced-open', b.override_until > 0 and b.override_until or NEVER
  end
  if b.locked == 1 then return 'authentication', NEVER end
  if b.limited_until > now then return 'rate-limited', b.limited_until end
  if b.state == 'open' and now < b.open_until then return 'open', b.open_until end
  if b.state == 'half-open' then
    local after = '(' .. string.format('%.0f', now)
    if redis.call('ZCOUNT', key .. ':leases', after, '+inf') > 0 then return 'half-open', now + ASK_AGAIN end
  end
  return nil
end

-- Takes a permit from a breaker that admits; true where it is a half-open lease.
local function grant(b, provider, key, events, now, permit)
  if b.override == 'closed' or b.state == 'closed' then return false end
  if b.state == 'open' then
    move(b, 'half-open', now, key)
    tell(events, 'circuit-breaker-half-open', provider, now)
  end
  write(key, b, now)
  local leases = key .. ':leases'
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', string.format('%.0f', now))
  redis.call('ZADD', leases, string.format('%.0f', now + SETTINGS[provider].lease), permit)
  redis.call('EXPIRE', leases, KEEP)
  return true
end

-- Asks KEYS[first..] (providers ARGV[names..]) in order and takes a permit from the first that admits.
-- Returns {'next' | 'none', place from 1, generation, leased, ms at which one will admit, time, reason, until, ...};
-- the pairs at its end are those passed over, in order.
local function walk(first, names, events, time, permit)
  local earliest, over = NEVER, {}
  for i = first, #KEYS do
    local key, provider = KEYS[i], ARGV[names + i - first]
    local b, now = read(key, time)
    if not b then
      b = fresh(now)
      write(key, b, now)
    end
    local reason, at = refusal(b, key, now)
    if not reason then
      local leased = grant(b, provider, key, events, now, permit)
      return { 'next', i - first + 1, b.generation, leased and 1 or 0, NEVER, time, unpack(over) }
    end
    over[#over + 1] = reason
    over[#over + 1] = at
    if at ~= NEVER and (earliest == NEVER or at < earliest) then earliest = at end
  end
  return { 'none', 0, 0, 0, earliest, time, unpack(over) }
end

-- True where the task's lease is `token`'s, or where nobody asks about one.
local function held(task, token)
  return token == '' or redis.call('HGET', task, 'holder') == token
end
