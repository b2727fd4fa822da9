-- Looks at the queue without changing it: how long each list is, and whose turn is next.
--
-- KEYS[i] a list of the queue; a worker takes from its right end
-- Returns for each {its length, `queued_at` and `id` of the next message's headers; '' where it has none}.
-- A message may have megabytes, so it is not parsed. In its body, and in what its headers quote, each quotation mark is
-- escaped or encoded, so that a name in plain quotation marks is one of the headers.
local function header(message, name)
  local _, last = string.find(message, '"' .. name .. '"', 1, true)
  return last and string.match(message, '^%s*:%s*"?([^",}]+)', last + 1) or ''
end

local found = {}
for i, list in ipairs(KEYS) do
  local message = redis.call('LRANGE', list, -1, -1)[1] or ''
  found[i] = { redis.call('LLEN', list), header(message, 'queued_at'), header(message, 'id') }
end
return found
