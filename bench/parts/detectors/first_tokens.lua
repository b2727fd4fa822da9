-- Goes through the first tokens of one provider's answers; where do two rules alarm? Stands where record.lua stands in
-- the product: after the settings, breaker.lua and detectors.lua.
--
-- ARGV[1] the provider, ARGV[2] the times to first token in whole ms, with a blank between.
-- Returns the calls, counted from 1, at which each alarmed: the latency detector (`update_latency_detector` of the
-- product), and a quick average above three times a slow one, from the call at which it is reached on; both averages
-- are exponential, the slow one weighs a call as the detector's baseline does.
local settings, b = SETTINGS[ARGV[1]], new_breaker(0)
local sum, ratio, above, quick, slow, call = {}, {}, false, 0, 0, 0
for word in ARGV[2]:gmatch('%d+') do
  local ms = tonumber(word)
  call = call + 1
  if update_latency_detector(b, settings, ms) then sum[#sum + 1] = call end

  quick = quick + math.max(0.2, 1 / call) * (ms - quick)
  slow = slow + math.max(SLOW_FORGET, 1 / call) * (ms - slow)
  local reached = call > LEARNED and quick > 3 * slow
  if reached and not above then ratio[#ratio + 1] = call end
  above = reached
end
return { sum, ratio }
