-- Learns what score.lua reads, from one attempt at a provider that was chosen by its score. Comes after score.lua,
-- before record.lua.
--
-- A sample says: tier; 1 where it was answered, else 0; tokens of the prompt, of the answer, and cached ones of the
-- prompt; the load in thousandths when it was granted; ms until the vendor's rate limits are reset of which little
-- remains, 0 where enough does.
--
-- 1. Speeds are learned from answers alone, as of an idle provider: divided by 1 + load. The time of a plain answer is
--    divided between first token and others as it is expected to be.
-- 2. A sample weighs NEWEST, more while there are few; beyond MOST_TIMES the estimate it counts as that. Tokens weigh
--    OF_SIZES: they are the callers', differ widely from call to call, and seldom change for good.
-- 3. The long-run mean is one over time, with a memory of SPEED_SPAN.

local learn_score

do
  local NEWEST, MOST_TIMES = 0.1, 4
  local OF_SIZES = 0.02
  local ENOUGH_TOKENS = 16                        -- of an answer: a shorter one says nothing of the time per token
  local SPEED_SPAN = 3600000                      -- ms
  local SHORTEST_STEP, LONGEST_STEP = 100, 60000  -- ms that one sample counts in the long-run mean
  local MOST_WEIGHT, MOST_TOKENS, MOST_US = 1e9, 1e8, 3.6e9  -- bounds that keep a field within its 64 bytes
  local HOT_FOR = 60000                           -- ms; then the vendor's limits are asked again

  -- Returns an estimate after one more sample.
  local function learned(estimate, sample, weight) return estimate + weight * (sample - estimate) end

  local function write_numbers(b, field, values)
    b[field] = string.format('%.0f %.0f %.0f %.0f %.0f %.0f', unpack(values))
  end

  -- Returns us to the first token of a prompt of REFERENCE tokens and per token, of one answer of an idle provider; the
  -- second is nil where the answer says nothing of it.
  local function speed_of_answer(b, known, sample, latency, first_token)
    local factor, first, token = of_prompt(b, sample.tier, sample.prompt), FIRST_UNKNOWN, TOKEN_UNKNOWN
    if known.first then first, token = pulled(known) end
    if first_token >= 1 and first_token <= latency then
      first, token = first_token * 1000 / factor, (latency - first_token) * 1000 / math.max(sample.output, 1)
    else
      local times = latency * 1000 / (first * factor + token * sample.output)
      first, token = first * times, token * times
    end
    local idle = 1 + sample.load
    return first / idle, sample.output >= ENOUGH_TOKENS and token / idle or nil
  end

  -- Takes the speed of one answer into what is known.
  local function learn_speed(known, first, token, now)
    local step = known.first and math.max(SHORTEST_STEP, math.min(now - known.at, LONGEST_STEP)) or SHORTEST_STEP
    known.age = math.min((known.age or 0) + step, SPEED_SPAN)
    local weight, of_long_run = math.max(NEWEST, 1 / (known.samples + 1)), step / known.age
    if known.first then
      first, token = math.min(first, MOST_TIMES * known.first), math.min(token or known.token, MOST_TIMES * known.token)
    end
    token = token or TOKEN_UNKNOWN
    known.usual_first = learned(known.usual_first or first, first, of_long_run)
    known.usual_token = learned(known.usual_token or token, token, of_long_run)
    known.first = learned(known.first or first, first, weight)
    known.token = learned(known.token or token, token, weight)
  end

  -- Takes one answer into what is known.
  local function learn_answer(b, known, sample, latency, first_token, now)
    local weight = math.max(OF_SIZES, 1 / (known.ok + 1))
    local first, token = speed_of_answer(b, known, sample, latency, first_token)
    learn_speed(known, first, token, now)
    local share = math.min(sample.cached / math.max(sample.prompt, 1), 1)
    known.cached, known.prompt = learned(known.cached, share, weight), learned(known.prompt, sample.prompt, weight)
    known.output, known.samples = learned(known.output, sample.output, weight), math.min(known.samples + 1, 1 / NEWEST)
    known.ok = known.ok + 1
  end

  -- Learns from one attempt of so many ms; `first_token` is 0 where it is not known.
  function learn_score(b, text, latency, first_token, now)
    local tier, good, numbers = string.match(text, '^(%S+) (%d) (.*)$')
    local prompt, output, cached, load, hot = string.match(numbers, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
    local sample = { tier = tier, prompt = tonumber(prompt), output = tonumber(output), cached = tonumber(cached),
      load = tonumber(load) / 1000 }
    local known, in_flight = known_score(b, tier, now), load_now(b, now)
    latency = math.max(1, math.min(latency, MOST_US / 1000))
    if good == '1' then
      learn_answer(b, known, sample, latency, first_token, now)
      b.hot_until = tonumber(hot) > 0 and now + math.min(tonumber(hot), HOT_FOR) or 0
    else
      known.bad = known.bad + 1
    end
    in_flight.length = math.max(1, learned(in_flight.length, latency, NEWEST))
    write_load(b, in_flight)
    local ok, bad = math.min(known.ok * 1000, MOST_WEIGHT), math.min(known.bad * 1000, MOST_WEIGHT)
    write_numbers(b, 'score:' .. tier, { ok, bad, known.cached * 1000, math.min(known.prompt, MOST_TOKENS),
      math.min(known.output, MOST_TOKENS), now })
    if known.first then
      write_numbers(b, 'speed:' .. tier, { math.min(known.first, MOST_US), math.min(known.token, MOST_US),
        math.min(known.usual_first, MOST_US), math.min(known.usual_token, MOST_US), known.samples * 1000, known.age })
    end
  end
end
