-- Goes through the outcomes of one provider's calls, each of a request of its own; where do three rules alarm?
-- Stands where record.lua stands in the product: after the settings, breaker.lua and detectors.lua.
--
-- ARGV[1] the provider, ARGV[2] a digit per call: 1 is a failure.
-- Returns the calls, counted from 1, at which each alarmed: the failure detector (`update_failure_detector` of the
-- product), failures in a row as in record.lua, half of the last 100 (at least 10) from the call at which it is reached
-- on.
local settings, outcomes, b = SETTINGS[ARGV[1]], ARGV[2], new_breaker(0)
local ring, sum, row, half, above = {}, {}, {}, {}, false
for call = 1, #outcomes do
  local failed = outcomes:byte(call) == 49
  if b.count == RING then
    if ring[b.index] then b.failed = b.failed - 1 end
  else
    b.count = b.count + 1
  end
  if failed then b.failed = b.failed + 1 end
  ring[b.index] = failed
  b.index = (b.index + 1) % RING

  if update_failure_detector(b, settings, failed, call) then sum[#sum + 1] = call end

  b.consecutive_failures = failed and b.consecutive_failures + 1 or 0
  if b.consecutive_failures == settings.failures then
    row[#row + 1] = call
    b.consecutive_failures = 0
  end

  local reached = b.count >= 10 and 2 * b.failed >= b.count
  if reached and not above then half[#half + 1] = call end
  above = reached
end
return { sum, row, half }
