-- Returns the server's time in ms. Every wait of the fleet is measured with this one clock.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
