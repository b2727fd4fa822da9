-- How many calls to a provider may be retries: a share of the calls of the last minute, and a few in any case. Without
-- it a provider that fails some calls is called more, just when it can do less. Comes before breaker.lua.
--
-- 1. A retry is a call for a completion to a provider that has failed it before: after a backoff or in a new round. One
--    in a fresh round is none: what was parked until a provider admits is released at a pace of its own.
-- 2. Calls are counted as their outcomes are recorded, with retries among them; retries as they are granted, so that
--    many that ask at once cannot all be within the budget.
-- 3. A call weighs exp(-age / RETRY_WINDOW). Both sums are kept as of one time, in whole millionths.
-- 4. A retry is granted while the retries are less than the larger of the two limits, so that they never exceed it by
--    more than one.

local RETRY_WINDOW = 60000  -- ms
local ONE = 1e6             -- a call, in millionths
local SOONEST = 1000        -- ms that a retry is postponed at least: without more calls the estimate is too short

local function budget_at(b, now)
  local kept = math.exp((b.budget_at - now) / RETRY_WINDOW)
  return b.budget_calls * kept, b.budget_retries * kept
end

-- Adds calls whose outcome is known, and retries that are granted.
local function add_to_retry_budget(b, now, calls, retries)
  local before, retried = budget_at(b, now)
  b.budget_calls = math.floor(before + calls * ONE + 0.5)
  b.budget_retries = math.floor(retried + retries * ONE + 0.5)
  b.budget_at = now
end

-- Returns nil where a retry is within the budget; else the ms at which one is, if calls go on as in the last minute.
-- A breaker that is forced closed admits all.
local function retry_postponed(b, now, settings)
  if settings.retry_share >= 1 or b.override == 'closed' then return nil end
  local calls, retries = budget_at(b, now)
  local most = math.max(settings.min_retries * ONE, settings.retry_share * calls)
  if retries < most then return nil end
  return now + math.max(math.floor(RETRY_WINDOW * math.log(retries / most)) + 1, SOONEST)
end
