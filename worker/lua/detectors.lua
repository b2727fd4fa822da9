-- Two detectors of a change for the worse, each in O(1): a cumulative sum (CUSUM) in one direction against a learned
-- baseline (E. S. Page, Continuous inspection schemes, Biometrika 41, 1954). Stands between breaker.lua and record.lua.
--
-- Failures: each outcome adds the log of its likelihood under "worse" over that under the baseline; "worse" is three
-- times the baseline or 0.15 above it, whichever is more, at most 0.6. An alarm needs failures of two requests, as the
-- streak does, and as many failures in the window as the threshold. Until the window is full each outcome weighs more
-- in the baseline: a new provider that always fails 15 % would open five times before FORGET had learned it.
-- Latency: the log of each time to first token adds by how many standard deviations it lies above the mean, less
-- ALLOWED; beyond WINSOR deviations it counts as that many.

local MILLION = 1e6                    -- figures are kept as whole millionths: no float is ever written or parsed
local LIMIT, FORGET = 7, 0.002         -- the sum that alarms, and the least weight of one outcome in the baseline
local LEAST, MOST = 0.01, 0.25         -- of the baseline
local SLOW_LIMIT, SLOW_FORGET = 6, 0.02
local ALLOWED, WINSOR = 0.75, 3
local NARROWEST = 0.01                 -- least variance of the log: a tenth more is nobody's slowness
local LEARNED = 50                     -- first tokens of which the baseline is the plain mean: 1 / SLOW_FORGET;
                                       -- and that many outcomes a new provider's least baseline counts for
local DEMOTION = 15000                 -- ms

local function millionths(value) return math.floor(value * MILLION + 0.5) end

local function decimal(value) return string.format('%.4f', value) end

local function within(value, least, most) return math.max(least, math.min(most, value)) end

-- Takes one outcome in; returns the figures of an alarm, after which it starts anew.
local function suspect(b, settings, failed, request)
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

-- Takes one time to first token in (ms; below 1: none); returns the figures of an alarm, as `suspect`.
local function linger(b, settings, first_token)
  if settings.detect_latency == 'off' or first_token < 1 then return nil end
  local mean, variance = b.latency_mean / MILLION, b.latency_variance / MILLION
  local off = math.log(first_token) - mean
  if b.latency_count < LEARNED then
    b.latency_count = b.latency_count + 1
    local weight = 1 / b.latency_count
    b.latency_mean = millionths(mean + weight * off)
    b.latency_variance = millionths((1 - weight) * (variance + weight * off * off))
    return nil
  end
  local deviation = math.sqrt(math.max(variance, NARROWEST))
  local z = within(off / deviation, -WINSOR, WINSOR)
  local sum = math.max(0, b.latency_sum / MILLION + z - ALLOWED)
  b.latency_mean = millionths(mean + SLOW_FORGET * z * deviation)
  b.latency_variance = millionths(variance + SLOW_FORGET * ((z * deviation) ^ 2 - variance))
  local alarm = sum > SLOW_LIMIT
  b.latency_sum = alarm and 0 or millionths(sum)
  return alarm and { 'sum', decimal(sum), 'limit', SLOW_LIMIT, 'usual_ms', decimal(math.exp(mean)),
    'first_token_ms', first_token }
end
