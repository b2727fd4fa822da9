-- Goes through the first tokens of one provider's answers; where do the rules alarm? Stands where record.lua stands in
-- the product: after the settings, breaker.lua, detectors.lua and slowness.lua.
--
-- ARGV[1] the provider, ARGV[2] the times to first token in whole ms, with a blank between, ARGV[3] ms from one to the
-- next.
-- Returns the calls, counted from 1, at which each alarmed: the latency detector (`update_latency_detector` of the
-- product), and a quick average above three times a slow one, from the call at which it is reached on; both averages
-- are exponential, the slow one weighs a call as the detector's baseline does. And the calls at which a slowness began
-- and ended (`update_slowness`).
local EPOCH = 1700000000000  -- ms
local settings, b = SETTINGS[ARGV[1]], new_breaker(0)
local sum, ratio, above, quick, slow, call = {}, {}, false, 0, 0, 0
local turns = { ['slow-began'] = {}, ['slow-ended'] = {} }
for word in ARGV[2]:gmatch('%d+') do
  local ms = tonumber(word)
  call = call + 1
  if update_latency_detector(b, settings, ms) then sum[#sum + 1] = call end
  local turn = update_slowness(b, settings, ms, EPOCH + call * tonumber(ARGV[3]))
  if turn then table.insert(turns[turn], call) end

  quick = quick + math.max(0.2, 1 / call) * (ms - quick)
  slow = slow + math.max(SLOW_FORGET, 1 / call) * (ms - slow)
  local reached = call > LEARNED and quick > 3 * slow
  if reached and not above then ratio[#ratio + 1] = call end
  above = reached
end
return { sum, ratio, turns['slow-began'], turns['slow-ended'] }
