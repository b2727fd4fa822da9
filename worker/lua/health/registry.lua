-- Writes a provider's own list of models into the registry.
--
-- KEYS[1] {ns}:2:models:<provider>  hash: model's id -> JSON: status (available | missing), first_ms, last_ms, and from
--         the list lifecycle, created (s), retires_at (s), aliases; '' -> 'part' where the last list was not whole
-- ARGV[1] the list as JSON: an array of objects, each with an id and the fields of the list
-- ARGV[2] 1 for a whole list: a model that is not in it is missing; 0 for a part, which shows nothing about others
-- ARGV[3] s to keep the key from now, and a model from when it was last listed
-- ARGV[4] most models to keep; those unlisted for longest are dropped first
-- Returns the number of models known now.
local key, now, whole = KEYS[1], clock(), ARGV[2] == '1'
local flat, before = redis.call('HGETALL', key), {}
for i = 1, #flat, 2 do before[flat[i]] = flat[i + 1] end
before[''] = nil

for _, model in ipairs(cjson.decode(ARGV[1])) do
  local id = model.id
  local known = before[id]
  model.id, before[id] = nil, nil
  model.status, model.last_ms, model.first_ms = 'available', now, known and cjson.decode(known).first_ms or now
  redis.call('HSET', key, id, cjson.encode(model))
end

local unlisted = {}
for id, text in pairs(before) do
  local model = cjson.decode(text)
  if now - model.last_ms > ARGV[3] * 1000 then
    redis.call('HDEL', key, id)
  else
    unlisted[#unlisted + 1] = { id = id, last_ms = model.last_ms }
    if whole and model.status == 'available' then
      model.status = 'missing'
      redis.call('HSET', key, id, cjson.encode(model))
    end
  end
end

redis.call('HDEL', key, '')
table.sort(unlisted, function(a, b) return a.last_ms < b.last_ms end)
for i = 1, math.min(#unlisted, redis.call('HLEN', key) - ARGV[4]) do redis.call('HDEL', key, unlisted[i].id) end
local models = redis.call('HLEN', key)
if not whole then redis.call('HSET', key, '', 'part') end
redis.call('EXPIRE', key, ARGV[3])
return models
