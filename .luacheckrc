-- worker/store/scripts.py puts clock.lua, event.lua, and breaker.lua or identity.lua and outcome.lua, before each script: their
-- locals are its globals here.
std = "lua51"
max_line_length = 120
read_globals = { "redis", "cjson", "KEYS", "ARGV", "SETTINGS", "clock", "unpack" }
files["worker/lua/events/event.lua"] = { ignore = { "211", "221" } }
files["worker/lua/events/alert.lua"] = { read_globals = { "ALERTS" }, globals = { "write_alert" } }
files["worker/lua/telemetry/report_worker.lua"] = { read_globals = { "add_event" } }
files["tasks/transport/lua/quarantine.lua"] = { read_globals = { "add_event" } }
files["worker/lua/clock.lua"] = { ignore = { "211" } }
files["worker/lua/admission/breaker.lua"] = {
  ignore = { "211" },
  read_globals = {
    "read_demand", "beyond", "reserve", "over_limit", "add_to_retry_budget", "retry_postponed", "usual_first_tokens",
    "add_event",
  },
}
files["worker/lua/admission/score.lua"] = {
  ignore = { "211", "221" },
  read_globals = { "FLAT", "PER_UNIT", "whole", "limits_of" },
}
files["worker/lua/admission/learn_score.lua"] = { ignore = { "211", "221" }, read_globals = {
  "FIRST_UNKNOWN", "TOKEN_UNKNOWN", "of_prompt", "pulled", "known_score", "load_now", "write_load", "whole",
} }
files["worker/lua/admission/first_admitting.lua"] = { ignore = { "211" }, read_globals = {
  "NEVER", "read_breaker", "write_breaker", "new_breaker", "refusal", "grant_permit", "beyond", "reserve",
  "retry_postponed", "usual_first_tokens", "in_order", "add_to_load", "score_reply",
} }
files["worker/lua/admission/first_tokens.lua"] = { ignore = { "211" } }
files["worker/lua/admission/silent_calls.lua"] = { ignore = { "211" }, read_globals = { "whole" } }
files["worker/lua/admission/retry_budget.lua"] = { ignore = { "211" } }
files["worker/lua/admission/held_task.lua"] = { ignore = { "211" } }
files["worker/lua/admission/slowness.lua"] = { ignore = { "211" }, read_globals = { "MILLION", "LEARNED", "decimal" } }
files["worker/lua/limits/minute.lua"] = { ignore = { "211" } }
files["worker/lua/limits/limits.lua"] = { ignore = { "211" }, read_globals = {
  "whole", "HALF", "REQUESTS", "TOKENS", "read_minute", "leaves_at", "add_to_minute", "correct_minute",
} }
files["worker/lua/limits/ledger.lua"] = { ignore = { "211" }, read_globals = { "whole", "DAY" } }
for _, name in ipairs { "renew_slots", "usage" } do
  files["worker/lua/limits/" .. name .. ".lua"] = { read_globals = {
    "whole", "SLOT_MS", "SLOTS_KEPT", "read_minute", "read_demand", "budgets_key",
  } }
end
files["worker/lua/admission/detectors.lua"] = { ignore = { "211" }, read_globals = { "RING" } }
files["worker/lua/task/identity.lua"] = { ignore = { "211" }, read_globals = { "add_event" } }
files["worker/lua/task/outcome.lua"] = { ignore = { "211" } }
for _, name in ipairs { "begin", "claim", "refuse", "replay", "settle" } do
  files["worker/lua/task/" .. name .. ".lua"] = { read_globals = { "is_another", "report_reused_id", "outcome_text", "add_event" } }
end
for _, name in ipairs { "admission/acquire", "admission/admissions", "admission/record", "admission/extend",
  "admission/control", "admission/probed", "admission/snapshot", "admission/stalls", "admission/silences",
  "parking/release" } do
  files["worker/lua/" .. name .. ".lua"] = { read_globals = {
    "KEEP", "RING", "QUOTA", "LONGEST_QUOTA", "LONGEST_RETRY_AFTER", "NEVER", "FAILED", "TEXT", "DEPRIORITISED_FOR",
    "read_breaker", "write_breaker", "new_breaker", "add_event", "health", "change_state", "open_for",
    "open_for_cooldown", "refusal", "grant_permit", "first_admitting", "holds_lease", "write_asked",
    "update_failure_detector", "update_latency_detector", "update_slowness", "learn_first_token", "names",
    "add_to_retry_budget", "retry_postponed", "learn_score", "known_score", "load_now", "loaded", "pulled",
    "expected_ms", "success_of",
    "read_demand", "over_limit", "room_within_limits", "settle", "add_to_ledger", "whole", "count_silent",
    "SPOKE_KEPT",
  } }
end
