-- Two detectors of a change for the worse, each in O(1): a cumulative sum (CUSUM) in one direction against a learned
-- baseline (E. S. Page, Continuous inspection schemes, Biometrika 41, 1954). Comes between breaker.lua and record.lua.
-- How soon they alarm, and how often without cause: docs/benchmarks/detectors.md.
--
-- Failures:
-- 1. Each outcome adds log(likelihood under "worse" / likelihood under the baseline). "Worse" is three times the
--    baseline or 0.15 above it, whichever is more, at most 0.6.
-- 2. An alarm needs failures of two requests, and as many failures in the window as `failures` of SETTINGS.
-- 3. Until the window is full, each outcome weighs more in the baseline: a new provider that always fails 15 % would
--    open five times before FORGET had learned it.
-- Latency:
-- 1. Each time to first token adds the number of standard deviations by which its log is above the mean, less ALLOWED.
-- 2. Beyond WINSOR deviations it counts as that many.

local MILLION = 1e6                    -- figures are kept as whole millionths: no float is ever written or parsed
local LIMIT, FORGET = 7, 0.002         -- the sum that alarms, and the least weight of one outcome in the baseline
local LEAST, MOST = 0.01, 0.25         -- bounds of the baseline
local SLOW_LIMIT, SLOW_FORGET = 6, 0.02
local ALLOWED, WINSOR = 0.75, 3
local NARROWEST = 0.01                 -- least variance of the log, a tenth squared: 10 % is normal scatter
local LEARNED = 50                     -- up to so many first tokens, the baseline is their plain mean: 1 / SLOW_FORGET;
                                       -- a new provider's first baseline weighs as much as so many outcomes
local DEPRIORITISED_FOR = 15000        -- ms

local function millionths(value) return math.floor(value * MILLION + 0.5) end

local function decimal(value) return string.format('%.4f', value) end

local function within(value, least, most) return math.max(least, math.min(most, value)) end

-- Adds one outcome. Returns the figures of an alarm, else nil or false; after an alarm the sum starts at 0.
local function update_failure_detector(b, settings, failed, request)
  if settings.detect_failures == 'off' then return nil end
  local base = within(b.failure_base / MILLION, LEAST, MOST)
  local worse = math.min(math.max(3 * base, base + 0.15), 0.6)
  local step = failed and math.log(worse / base) or math.log((1 - worse) / (1 - base))
  local sum = math.max(0, b.failure_sum / MILLION + step)
  local weight = b.count < RING and 1 / (LEARNED + b.count) or FORGET
  b.failure_base = millionths(within(base + weight * ((failed and 1 or 0) - base), LEAST, MOST))
  if failed and b.failure_sum == 0 then
    b.sum_first = request
  elseif failed and b.sum_first ~= request then
    b.sum_several = 1
  end
  local alarm = sum > LIMIT and b.sum_several == 1 and b.failed >= settings.failures
  b.failure_sum = alarm and 0 or millionths(math.min(sum, LIMIT))
  if b.failure_sum == 0 then b.sum_first, b.sum_several = '', 0 end
  return alarm and { 'sum', decimal(sum), 'limit', LIMIT, 'baseline', decimal(base), 'window_failed', b.failed,
    'window_count', b.count }
end

-- Adds one time to first token, in ms (below 1: not known). Returns as `update_failure_detector`.
local function update_latency_detector(b, settings, first_token)
  if settings.detect_latency == 'off' or first_token < 1 then return nil end
  local mean, variance = b.latency_mean / MILLION, b.latency_variance / MILLION
  local offset = math.log(first_token) - mean
  if b.latency_count < LEARNED then
    b.latency_count = b.latency_count + 1
    local weight = 1 / b.latency_count
    b.latency_mean = millionths(mean + weight * offset)
    b.latency_variance = millionths((1 - weight) * (variance + weight * offset * offset))
    return nil
  end
  local deviation = math.sqrt(math.max(variance, NARROWEST))
  local z = within(offset / deviation, -WINSOR, WINSOR)
  local sum = math.max(0, b.latency_sum / MILLION + z - ALLOWED)
  b.latency_mean = millionths(mean + SLOW_FORGET * z * deviation)
  b.latency_variance = millionths(variance + SLOW_FORGET * ((z * deviation) ^ 2 - variance))
  local alarm = sum > SLOW_LIMIT
  b.latency_sum = alarm and 0 or millionths(sum)
  return alarm and { 'sum', decimal(sum), 'limit', SLOW_LIMIT, 'usual_ms', decimal(math.exp(mean)),
    'first_token_ms', first_token }
end
