-- Takes a permit from the first provider of a chain that admits.
--
-- KEYS[1]   {ns}:task:<id>   hash; the lease that must be held; takes note of whom its holder may ask
-- KEYS[2]   {ns}:events      stream
-- KEYS[3..] {ns}:breaker:<provider>, in the chain's order
-- ARGV[1]   the lease's token; '' asks for none
-- ARGV[2]   the permit's id, should it be a half-open lease
-- ARGV[3..] the providers, as KEYS[3..]
-- Returns what `walk` does, or {'lost'}. Writes to no breaker while the first one asked is closed.
if not held(KEYS[1], ARGV[1]) then return { 'lost' } end
local time = clock()
local found = walk(3, 3, KEYS[2], time, ARGV[2])
if found[1] == 'next' then note_asked(KEYS[1], ARGV[1], ARGV[2 + found[2]], time) end
return found
