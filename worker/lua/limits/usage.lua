-- Reads what is used of the limits of providers.
--
-- KEYS[1] {ns}:2:events, KEYS[2..] {ns}:2:breaker:<provider>
-- ARGV[i] the provider of KEYS[i + 1]
-- Returns for each {requests, tokens of the last minute, calls in flight, nano-USD of today}.
local found, time = {}, clock()
local demand = read_demand('', '', KEYS[1])
for i = 2, #KEYS do
  local minute = read_minute(KEYS[i] .. ':minute', time)
  local taken = redis.call('ZCOUNT', KEYS[i] .. ':slots', '(' .. whole(time), '+inf')
  local nano = redis.call('HGET', budgets_key(demand, time), 'provider:' .. ARGV[i - 1])
  found[i - 1] = { minute.requests, minute.tokens, taken, tonumber(nano or 0) }
end
return found
