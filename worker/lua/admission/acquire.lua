-- Takes a permit from the first provider of a chain that admits.
--
-- KEYS[1]   {ns}:2:task:<id>   hash; has the lease that must be held, and the providers `tried`; `asked` is set to the
--           provider granted
-- KEYS[2]   {ns}:2:events      stream
-- KEYS[3..] {ns}:2:breaker:<provider>, in the chain's order
-- ARGV[1]   the lease id; '' needs no lease
-- ARGV[2]   the permit's id, used if it is a half-open one, or takes a slot
-- ARGV[3]   what the completion will use, see limits.lua
-- ARGV[4..] the providers, as KEYS[3..]
-- Returns as `first_admitting`, or {'lease-lost'}. Writes to no breaker while the first one asked is closed, unless it
-- is a retry.
local held, tried = holds_lease(KEYS[1], ARGV[1])
if not held then return { 'lease-lost' } end
local time = clock()
local demand = read_demand(ARGV[3], KEYS[1], KEYS[2])
local found = first_admitting(3, 4, KEYS[2], time, ARGV[2], tried, demand)
if found[1] == 'next' then write_asked(KEYS[1], ARGV[1], ARGV[3 + found[2]], time, '') end
return found
