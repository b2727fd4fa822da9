-- Returns the server's time in ms. All times that the fleet shares come from this one clock.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
