-- Scores: which provider of a group to ask now. Comes between breaker.lua and first_admitting.lua, which asks in this
-- order; learn_score.lua learns what is read here.
--
-- Asked first is the least J = (c + v t) / p, see docs/explanation/order.md:
--   c  nano-USD: prompt x (price, less the cached share's discount) + usual answer x its price
--   t  ms: first token for this length of the prompt + usual answer x time per token, times 1 + load
--   p  (ok + PRIOR_OK) / (ok + bad + PRIOR)
--   v  nano-USD that a ms of waiting is worth
--
-- Fields of a breaker's hash, each of whole numbers, at most 64 bytes in all; none is there without a scored chain:
--   score:<tier>  ok, bad (thousandths of attempts), cached (thousandths of the prompt), prompt, answer (tokens), ms of
--                 the last of them
--   speed:<tier>  us to the first token of a prompt of REFERENCE tokens, us per token, the long-run mean of both,
--                 samples (thousandths), ms over which the long-run mean was learned
--   load          calls in flight (thousandths, estimated), their long-run mean, ms of learning, usual ms of a call, ms
--                 of the last change
--   hot_until     ms
--
-- `scored` of a demand; without it nothing of this is read or written:
--   groups   by place: those with the same number, side by side, are a group; 0 is asked in its place
--   rates    by place: nano-USD of a token of the prompt, of a cached one and of the answer, and of a request
--   tier, prompt (tokens), output (tokens of an answer, before any is known), limit (nil without one), second (v),
--   explore  not nil: the one with the oldest data comes first
--
-- 1. A call in flight weighs exp(-age / usual length), so that none has to be taken back. Where concurrency is limited,
--    the load is the share of slots taken. Else it is the calls in flight, by the largest mean of the group.
-- 2. Speeds are pulled to their long-run mean as they age; one that is not known is the mean of the group's.
-- 3. A provider is left for one behind it only where J is below LEFT_BELOW of its own. Hot ones come last.

local FIRST_UNKNOWN, TOKEN_UNKNOWN = 1000000, 20000  -- us to the first token and per token
local in_order, add_to_load, score_reply  -- for first_admitting.lua
local known_score, pulled, of_prompt, load_now, loaded, write_load, expected_ms, success_of

do  -- a function of Lua has room for 200 locals
  local SCORE_HALVES, SPEED_HALVES = 600000, 60000  -- ms in which what was learned loses half of its weight
  local PRIOR_OK, PRIOR = 1.8, 2
  local REFERENCE = 1000                -- tokens
  local LENGTH_UNKNOWN = 5000           -- ms
  local LEAST_USUAL = 8                 -- calls in flight: fewer slow nobody down
  local USUAL_LOAD_SPAN = 600000        -- ms; up to that age the usual load is a plain mean, then one that forgets
  local LEFT_BELOW = 0.9

  local function tier_of(provider, wanted)
    for _, tier in ipairs(SETTINGS[provider].tiers) do
      if tier == wanted then return tier end
    end
    return 'default'
  end

  -- Returns the numbers of a field, five or six; nothing where it is not stored.
  local function numbers_in(b, field)
    local text = rawget(b, field) or getmetatable(b).stored[field]
    if not text then return end
    local first, second, third, fourth, fifth, sixth = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) ?(%S*)$')
    return tonumber(first), tonumber(second), tonumber(third), tonumber(fourth), tonumber(fifth), tonumber(sixth)
  end

  local function halved(at, now, half_life) return 2 ^ ((at - now) / half_life) end

  -- Returns a prompt's time to first token over that of one of REFERENCE tokens, by what first_tokens.lua has learned.
  function of_prompt(b, tier, tokens)
    local _, _, _, variance, covariance = numbers_in(b, 'usual:' .. tier)
    if not covariance then return 1 end
    local slope = math.max(0, math.min(1, covariance / (variance + FLAT * PER_UNIT)))
    return ((1 + tokens) / (1 + REFERENCE)) ^ slope
  end

  -- Returns what is known of a provider's tier now; without `first` nothing is known of its speed.
  function known_score(b, tier, now)
    local ok, bad, cached, prompt, output, at = numbers_in(b, 'score:' .. tier)
    if not ok then return { ok = 0, bad = 0, cached = 0, prompt = 0, output = 0, at = 0, samples = 0 } end
    local kept = halved(at, now, SCORE_HALVES)
    local found = { ok = ok / 1000 * kept, bad = bad / 1000 * kept, cached = cached / 1000, prompt = prompt,
      output = output, at = at, samples = 0 }
    local first, token, usual_first, usual_token, samples, age = numbers_in(b, 'speed:' .. tier)
    if not first then return found end
    found.first, found.token, found.usual_first, found.usual_token = first, token, usual_first, usual_token
    found.samples, found.age = samples / 1000 * halved(at, now, SPEED_HALVES), age
    return found
  end

  -- Returns microseconds to the first token and per token: the latest, pulled to the long-run mean.
  function pulled(known)
    local n = known.samples
    return (n * known.first + known.usual_first) / (n + 1), (n * known.token + known.usual_token) / (n + 1)
  end

  -- Returns the calls in flight, their long-run mean and what belongs to both.
  function load_now(b, now)
    local pending, usual, age, length, at = numbers_in(b, 'load')
    if not pending then return { pending = 0, usual = 0, age = 0, length = LENGTH_UNKNOWN, at = now } end
    local step = math.max(0, now - at)
    local kept = math.exp(-step / length)
    age = math.min(age + step, USUAL_LOAD_SPAN)
    if step > 0 then
      local mean = pending * length * (1 - kept) / step
      usual = usual + math.min(1, step / age) * (mean - usual)
    end
    return { pending = pending / 1000 * kept, usual = usual / 1000, age = age, length = length, at = math.max(now, at) }
  end

  function write_load(b, load)
    b.load = string.format('%.0f %.0f %.0f %.0f %.0f', load.pending * 1000, load.usual * 1000, load.age, load.length,
      load.at)
  end

  -- Counts one more call in flight; `load` is what it is now.
  function add_to_load(b, load)
    load.pending = load.pending + 1
    write_load(b, load)
  end

  -- Returns how loaded a provider is: 1 is as usual. `usual` is the largest mean of its group.
  function loaded(provider, key, load, usual, now)
    local limits = limits_of(provider)
    if not limits or not limits.concurrency then return load.pending / math.max(usual, LEAST_USUAL) end
    return redis.call('ZCOUNT', key .. ':slots', '(' .. whole(now), '+inf') / limits.concurrency
  end

  -- Returns what is taken of a provider of whose speed nothing is known: the means of the group's long-run figures.
  local function speed_of_group(group, scored)
    local first, token, output, n = 0, 0, 0, 0
    for _, each in ipairs(group) do
      if each.known.first then
        first, token = first + each.known.usual_first, token + each.known.usual_token
        output, n = output + each.known.output, n + 1
      end
    end
    if n == 0 then return FIRST_UNKNOWN, TOKEN_UNKNOWN, scored.output end
    return first / n, token / n, output / n
  end

  -- Returns p of what is known.
  function success_of(known) return (known.ok + PRIOR_OK) / (known.ok + known.bad + PRIOR) end

  -- Returns ms that an answer of so many tokens to this prompt takes.
  function expected_ms(b, tier, first, token, prompt, output, load)
    return (first * of_prompt(b, tier, prompt) + token * output) / 1000 * (1 + load)
  end

  -- Gives each provider of a group its `score`: c, t (ms), p, J and the load.
  local function give_scores(group, scored)
    local usual = 0
    for _, each in ipairs(group) do
      each.tier = tier_of(each.provider, scored.tier)
      each.known, each.load = known_score(each.b, each.tier, each.now), load_now(each.b, each.now)
      usual = math.max(usual, each.load.usual)
    end
    local group_first, group_token, group_output = speed_of_group(group, scored)
    for _, each in ipairs(group) do
      local known, first, token, output = each.known, group_first, group_token, group_output
      if known.first then
        first, token = pulled(known)
        output = known.output
      end
      output = math.min(output, scored.limit or output)
      local input, cached, answer, request = unpack(scored.rates[each.place])
      local c = scored.prompt * (input - known.cached * (input - cached)) + output * answer + request
      local load = loaded(each.provider, each.key, each.load, usual, each.now)
      local t, p = expected_ms(each.b, each.tier, first, token, scored.prompt, output, load), success_of(known)
      each.score = { c = c, t = t, p = p, j = (c + scored.second * t) / p, load = load }
    end
  end

  -- Takes the one to be asked first out of a group.
  local function take_best(group, now)
    local best, is_hot = 1, group[1].b.hot_until > now
    for i = 2, #group do
      local hot = group[i].b.hot_until > now
      if is_hot and not hot or is_hot == hot and group[i].score.j < LEFT_BELOW * group[best].score.j then
        best, is_hot = i, hot
      end
    end
    return table.remove(group, best)
  end

  -- Takes the one of which was heard least lately; nil where that is hot.
  local function take_oldest(group, now)
    local oldest = 1
    for i = 2, #group do
      if group[i].known.at < group[oldest].known.at then oldest = i end
    end
    return group[oldest].b.hot_until <= now and table.remove(group, oldest) or nil
  end

  -- Returns a group in the order in which to ask it.
  local function ranked(group, scored, now)
    give_scores(group, scored)
    local order = { scored.explore and take_oldest(group, now) }
    while group[1] do order[#order + 1] = take_best(group, now) end
    return order
  end

  -- Returns an iterator over `count` providers in the order in which to ask them. `read` returns the one at a place. A
  -- group is read as a whole when its turn has come.
  function in_order(count, scored, read, now)
    local place, group = 0, {}
    return function()
      if group[1] then return table.remove(group, 1) end
      if place >= count then return nil end
      place = place + 1
      local number = scored and scored.groups[place] or 0
      if number == 0 then return read(place) end
      group = { read(place) }
      while scored.groups[place + 1] == number do
        place = place + 1
        group[#group + 1] = read(place)
      end
      group = ranked(group, scored, now)
      return table.remove(group, 1)
    end
  end

  -- Returns a score as a reply has it: c, t (ms), p (millionths), J and the load (thousandths).
  function score_reply(score)
    local reply = {}
    for i, value in ipairs({ score.c, score.t, score.p * 1e6, score.j, score.load * 1000 }) do
      reply[i] = math.floor(value + 0.5)
    end
    return reply
  end
end
