-- What acquire.lua and record.lua read and write of the task that a permit is for. Comes before both.
--
-- The task's hash, {ns}:2:task:<id>, has its fields from task/begin.lua. An empty lease id is one of no task.

-- Returns a set of names that are separated by blanks.
local function names(text)
  local set = {}
  for name in string.gmatch(text, '%S+') do set[name] = true end
  return set
end

-- Returns whether this lease holds the task, and the set of the providers that were tried.
local function holds_lease(task, lease_id)
  if lease_id == '' then return true, {} end
  local holder, tried = unpack(redis.call('HMGET', task, 'holder', 'tried'))
  return holder == lease_id, names(tried or '')
end

-- Writes which provider the holder may ask now, '' for none: should the worker die, it is known. And the providers that
-- were tried, '' where nothing was added to them.
local function write_asked(task, lease_id, provider, time, tried)
  if lease_id == '' then return end
  local fields = {}
  if provider == '' then
    redis.call('HDEL', task, 'asked')
  else
    fields = { 'asked', provider .. ' ' .. string.format('%.0f', time) }
  end
  if tried ~= '' then fields[#fields + 1], fields[#fields + 2] = 'tried', tried end
  if fields[1] then redis.call('HSET', task, unpack(fields)) end
end
