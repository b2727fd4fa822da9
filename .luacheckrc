-- Each script is joined behind clock.lua, and breaker.lua or identity.lua, before it is loaded, so their locals are its globals here.
std = "lua51"
max_line_length = 120
read_globals = { "redis", "cjson", "KEYS", "ARGV", "SETTINGS", "clock", "unpack" }
files["worker/lua/clock.lua"] = { ignore = { "211" } }
files["worker/lua/breaker.lua"] = { ignore = { "211" } }
files["worker/lua/detectors.lua"] = { ignore = { "211" }, read_globals = { "RING" } }
files["worker/lua/identity.lua"] = { ignore = { "211" } }
for _, name in ipairs { "begin", "claim", "refuse", "replay" } do
  files["worker/lua/" .. name .. ".lua"] = { read_globals = { "is_another", "tell_another" } }
end
for _, name in ipairs { "acquire", "record", "extend", "control", "probed", "snapshot", "release" } do
  files["worker/lua/" .. name .. ".lua"] = { read_globals = {
    "KEEP", "RING", "QUOTA", "LONGEST_QUOTA", "LONGEST_RETRY_AFTER", "NEVER", "FAILED", "TEXT", "DEMOTION",
    "read", "write", "fresh", "tell", "health", "move", "open", "trip", "refusal", "grant", "walk", "held", "note_asked",
    "suspect", "linger",
  } }
end
