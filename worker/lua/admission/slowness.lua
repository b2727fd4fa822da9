-- The long baseline: which first tokens are usual over hours, and since when they take far longer. The mean of the
-- latency detector (detectors.lua) takes a slowness for usual within a hundred or so; then nothing would show it.
-- How soon it sees one, and how often without cause: docs/benchmarks/detectors.md. Comes after detectors.lua.
--
-- 1. The usual is a mean of the detector's mean over time, not over calls: a busy hour weighs as much as a quiet one.
-- 2. First tokens are slow from twice the usual on, until they are below one and a half times.
-- 3. While they are slow the usual stands still. What lasts for a day is usual from then on.

local USUAL_EVERY = 10000            -- ms between two changes of the usual: shorter steps would be rounded away
local USUAL_STEP = 60000             -- ms that a step counts at most: hours without a call teach nothing
local USUAL_SPAN = 21600000          -- ms; up to that age the usual is a plain mean, then one that forgets
local USUAL_LEARNED = 600000         -- ms of learning before anything is slow
local SLOW_FROM, SLOW_UNTIL = 2, 1.5
local SLOW_LONGEST = 86400000        -- ms

local function learn_usual(b, now)
  local step = math.min(now - b.usual_at, USUAL_STEP)
  if step < USUAL_EVERY then return end
  b.usual_age = math.min(b.usual_age + step, USUAL_SPAN)
  b.usual_mean = math.floor(b.usual_mean + step / b.usual_age * (b.latency_mean - b.usual_mean) + 0.5)
  b.usual_at = now
end

-- Takes in the detector's mean after one time to first token, in ms (below 1: not known). Returns the type of an event
-- and its fields where a slowness begins or ends, else nil.
local function update_slowness(b, settings, first_token, now)
  if settings.detect_latency == 'off' then
    b.slow_since = 0
    return nil
  end
  if first_token < 1 or b.latency_count < LEARNED then return nil end
  local times = math.exp((b.latency_mean - b.usual_mean) / MILLION)
  local figures = { 'first_token_ms', decimal(math.exp(b.latency_mean / MILLION)),
    'usual_ms', decimal(math.exp(b.usual_mean / MILLION)) }
  if b.slow_since > 0 then
    local lasting = now - b.slow_since >= SLOW_LONGEST
    if times >= SLOW_UNTIL and not lasting then return nil end
    figures[5], figures[6] = 'cause', times < SLOW_UNTIL and 'recovered' or 'usual-now'
    figures[7], figures[8] = 'since_ms', string.format('%.0f', b.slow_since)
    if lasting then b.usual_mean = b.latency_mean end
    b.slow_since = 0
    return 'slow-ended', figures
  elseif times >= SLOW_FROM and b.usual_age >= USUAL_LEARNED then
    b.slow_since = now
    return 'slow-began', figures
  end
  learn_usual(b, now)
end
