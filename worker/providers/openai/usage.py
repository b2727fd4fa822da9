"""Reads the tokens of an answer in OpenAI's format, as the many servers count that speak it.

1. OpenAI counts reasoning within `completion_tokens`. xAI and Gemini leave it out of that, and have it in
   `total_tokens`: what the total has beyond prompt and completion was reasoning.
   https://docs.x.ai/docs/key-information/consumption-and-rate-limits
2. Cached tokens are in `prompt_tokens_details`; DeepSeek has `prompt_cache_hit_tokens` beside it, Moonshot
   `cached_tokens`. All are within `prompt_tokens`.
   https://api-docs.deepseek.com/guides/kv_cache
3. OpenRouter tells what it charged as `cost` in USD, without what went to a key of the caller's own at the vendor. xAI
   tells it in ticks, of which a dollar has 10^10.
   https://openrouter.ai/docs/use-cases/usage-accounting, https://docs.x.ai/developers/cost-tracking
"""

from typing import Any

from worker.providers.assembly import count
from worker.result import Usage

_TICKS = 10_000_000_000


def read(usage: Any, tier: object = None) -> Usage | None:
    """Returns the tokens, None if none are told; `tier` is the answer's `service_tier`."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    if not (prompt or completion):
        return None
    of_prompt, of_completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    reasoning = count(of_completion, "reasoning_tokens") or count(usage, "reasoning_tokens")
    left_out = max(0, count(usage, "total_tokens") - prompt - completion)
    return Usage(
        prompt,
        completion + left_out,
        count(of_prompt, "cached_tokens") or count(usage, "prompt_cache_hit_tokens") or count(usage, "cached_tokens"),
        reasoning or left_out,
        count(of_prompt, "cache_write_tokens"),
        tier=tier if isinstance(tier, str) else None,
        charged_usd=_charged(usage),
    )


def _charged(usage: dict[str, Any]) -> float | None:
    if "cost_in_usd_ticks" in usage:
        return count(usage, "cost_in_usd_ticks") / _TICKS
    cost = _amount(usage.get("cost"))
    details = usage.get("cost_details")
    if cost is not None and usage.get("is_byok") and isinstance(details, dict):
        cost += _amount(details.get("upstream_inference_cost")) or 0.0
    return cost


def _amount(value: object) -> float | None:
    """Returns an amount of USD, None for anything else, such as a negative or an infinite number."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 1_000_000 else None
