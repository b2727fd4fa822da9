-- Learns the usual time to first token of each tier of a provider, from which workers compute a limit. Comes before
-- breaker.lua, which returns the figures with a permit; record.lua learns.
--
-- ln(ms) is taken to be linear in ln(1 + tokens of the prompt), with normal scatter; a run of long prompts is no
-- slowness. The field `usual:<tier>` of the hash has six whole numbers, the last five in millionths:
--   first tokens learned (up to LEARNED_TOKENS), mean ln tokens, mean ln ms, variance of ln tokens, covariance,
--   residual variance
-- worker/admission/first_tokens.py computes the limit from them.
--
-- 1. Up to LEARNED_TOKENS first tokens the figures are plain ones; later each weighs USUAL_FORGET.
-- 2. A residual beyond WIDEST_RESIDUAL deviations counts as that many.
-- 3. An attempt that ended in silence is learned as one that took at least so long, or the limit would learn from what
--    it lets through alone and tighten itself. Of these it takes one a second: a dead provider must not teach patience.

local LEARNED_TOKENS, USUAL_FORGET, WIDEST_RESIDUAL = 50, 0.02, 3
local LEAST_RESIDUAL = 0.01   -- variance: a scatter of 10 % is normal
local FLAT = 0.1              -- variance of ln tokens up to which a slope is mostly noise
local CENSORED_EVERY = 1000   -- ms
local PER_UNIT = 1e6

-- Returns a tier's figures as text, '' where nothing was learned.
local function usual_first_token(b, tier)
  local field = 'usual:' .. tier
  return rawget(b, field) or getmetatable(b).stored[field] or ''
end

-- Returns {tier, figures, ...} of the tiers of which something was learned.
local function usual_first_tokens(b, provider)
  local found = {}
  for _, tier in ipairs(SETTINGS[provider].tiers) do
    local figures = usual_first_token(b, tier)
    if figures ~= '' then found[#found + 1], found[#found + 2] = tier, figures end
  end
  return found
end

-- Learns from one attempt: `ms` to its first token, or of silence if it ended without one (`censored`).
local function learn_first_token(b, tier, tokens, ms, censored, now)
  local figures, i = { 0, 0, 0, 0, 0, 0 }, 0
  for number in string.gmatch(usual_first_token(b, tier), '%-?%d+') do
    i = i + 1
    figures[i] = i == 1 and tonumber(number) or tonumber(number) / PER_UNIT
  end
  local n, mean_x, mean_y, variance_x, covariance, variance = unpack(figures)
  local is_learned = n >= LEARNED_TOKENS
  local dx = math.log(1 + tokens) - mean_x
  local slope = math.max(0, math.min(1, covariance / (variance_x + FLAT)))
  local residual = math.log(ms) - mean_y - slope * dx
  if is_learned then
    local widest = WIDEST_RESIDUAL * math.sqrt(math.max(variance, LEAST_RESIDUAL))
    residual = math.max(-widest, math.min(widest, residual))
  end
  if censored then
    if not is_learned or residual <= 0 or now - b.censored_at < CENSORED_EVERY then return end
    b.censored_at = now
  end
  local weight = is_learned and USUAL_FORGET or 1 / (n + 1)
  local dy = slope * dx + residual
  local learned = { mean_x + weight * dx, mean_y + weight * dy, (1 - weight) * (variance_x + weight * dx * dx),
    (1 - weight) * (covariance + weight * dx * dy), (1 - weight) * (variance + weight * residual * residual) }
  for place, value in ipairs(learned) do learned[place] = string.format('%.0f', math.floor(value * PER_UNIT + 0.5)) end
  b['usual:' .. tier] = math.min(n + 1, LEARNED_TOKENS) .. ' ' .. table.concat(learned, ' ')
end
