-- Takes a process's report of a provider's silent calls, and opens the breaker where the provider has stalled: as many
-- calls of this generation as `failures` of SETTINGS are silent, of two requests at least, and no call has had a token
-- since the first of them began.
--
-- KEYS[1] {ns}:2:events, KEYS[2] {ns}:2:breaker:<provider>
-- KEYS[3] {ns}:2:breaker:<provider>:silent  zset, at most MOST of: `<ms of its begin> <generation> <task's id>` -> ms
--         until which it counts unless reported again; and `spoke` -> ms of the last token, plus SPOKE_KEPT
-- ARGV[1] the provider, ARGV[2] ms of the last token that this process had of it; 0 for none since its last report
-- ARGV[3] a random number of 0 to 999
-- ARGV[4..] of each silent call: ms of its begin, generation, task's id
-- Returns the generation; calls of another one need no further report.

local KEPT, MOST = 10000, 200
local events, key, silent, provider = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local settings = SETTINGS[provider]

local b, now = read_breaker(key, clock())
if not b then return 0 end
redis.call('ZREMRANGEBYSCORE', silent, '-inf', whole(now))
local spoke = tonumber(ARGV[2])
if spoke > 0 then redis.call('ZADD', silent, 'GT', whole(math.min(spoke, now) + SPOKE_KEPT), 'spoke') end
for i = 4, #ARGV, 3 do
  redis.call('ZADD', silent, whole(now + KEPT), ARGV[i] .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 2])
end
redis.call('ZREMRANGEBYRANK', silent, 0, -MOST - 1)
redis.call('PEXPIRE', silent, SPOKE_KEPT)
if not ARGV[4] or b.state ~= 'closed' or b.override ~= '' then return b.generation end
local count, several, first_began = count_silent(silent, b, now)
if count < settings.failures or not several then return b.generation end
if settings.detect_stalls == 'on' then
  b.error, b.error_at = 'timeout stalled', now  -- else the last failure of another kind would stand as the cause
  open_for_cooldown(b, provider, key, events, now, tonumber(ARGV[3]), 'stalled', 'silent', count,
    'since_ms', whole(first_began))
  write_breaker(key, b, now, provider, events)
else
  add_event(events, 'circuit-breaker-would-open', provider, now, 'cause', 'stalled', 'silent', count,
    'since_ms', whole(first_began))
end
redis.call('DEL', silent)
return b.generation
