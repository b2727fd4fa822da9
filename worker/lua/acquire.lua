-- Takes a permit from the first provider of a chain that admits.
--
-- KEYS[1]   {ns}:task:<id>   hash; the lease that must be held
-- KEYS[2]   {ns}:events      stream
-- KEYS[3..] {ns}:breaker:<provider>, in the chain's order
-- ARGV[1]   the lease's token; '' asks for none
-- ARGV[2]   the permit's id, should it be a half-open lease
-- ARGV[3..] the providers, as KEYS[3..]
-- Returns what `walk` does, or {'lost'}. Writes nothing while the first breaker asked is closed.
if not held(KEYS[1], ARGV[1]) then return { 'lost' } end
return walk(3, 3, KEYS[2], clock(), ARGV[2])
