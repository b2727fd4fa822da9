-- What attempts cost, by day. Comes between limits.lua and record.lua.
--
-- {ns}:2:spend:<day>  hash, 35 days from its last new row: JSON list of provider, model, chain, tenant -> sums,
--                     separated by blanks, in the order of `Figures` in worker/limits/bill.py
-- The day is one since the epoch, in UTC.

local LEDGER_KEPT = 35 * 86400
local MOST_ROWS = 10000  -- a day; further tenants are one, named *

-- Adds one attempt: its figures, a blank, and the list that names its row. Two commands, save for a new row.
local function add_to_ledger(ledger, events, now)
  if ledger == '' then return end
  local figures, row = string.match(ledger, '^([%d ]+) (%[.*)$')
  local key = string.sub(events, 1, -1 - #'events') .. 'spend:' .. whole(math.floor(now / DAY))
  local known = redis.call('HGET', key, row)
  if not known and redis.call('HLEN', key) >= MOST_ROWS then
    local names = cjson.decode(row)
    names[4] = '*'
    row = cjson.encode(names)
    known = redis.call('HGET', key, row)
  end
  local sums, next_figure = {}, string.gmatch(figures, '%d+')
  for sum in string.gmatch(known or string.gsub(figures, '%d+', '0'), '%d+') do
    sums[#sums + 1] = whole(tonumber(sum) + tonumber(next_figure()))
  end
  redis.call('HSET', key, row, table.concat(sums, ' '))
  if not known then redis.call('EXPIRE', key, LEDGER_KEPT) end
end
