"""Reads the tokens of an answer in OpenAI's format, as the many servers count that speak it.

1. OpenAI counts reasoning within `completion_tokens`. xAI and Gemini leave it out of that, and have it in
   `total_tokens`: what the total has beyond prompt and completion was reasoning.
   https://docs.x.ai/docs/key-information/consumption-and-rate-limits
2. Cached tokens are in `prompt_tokens_details`; DeepSeek has `prompt_cache_hit_tokens` beside it, Moonshot
   `cached_tokens`. All are within `prompt_tokens`.
   https://api-docs.deepseek.com/guides/kv_cache
   LiteLLM and Databricks have Anthropic's names for them, within `prompt_tokens` too.
   https://docs.litellm.ai/docs/completion/prompt_caching
3. Some tell `input_tokens` and `output_tokens`: with the details of OpenAI's newer interface, or as Anthropic does,
   where the caches are beside `input_tokens`.
   https://platform.openai.com/docs/api-reference/responses/object
4. OpenRouter tells what it charged as `cost` in USD, without what went to a key of the caller's own at the vendor. xAI
   tells it in ticks, of which a dollar has 10^10.
   https://openrouter.ai/docs/use-cases/usage-accounting, https://docs.x.ai/developers/cost-tracking
"""

from typing import Any

from worker.providers.assembly import count
from worker.result import Usage

_TICKS = 10_000_000_000
_COMPLETION = ("completion_tokens", "output_tokens")
_CACHED = (
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
    "cached_prompt_text_tokens",
)


def read(usage: Any, tier: object = None) -> Usage | None:
    """Returns the tokens, None if none are told; `tier` is the answer's `service_tier`."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = count(usage, "prompt_tokens") or _anthropics(usage), _first(usage, *_COMPLETION)
    if not (prompt or completion):
        return None
    of_prompt = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    of_completion = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    reasoning = count(of_completion, "reasoning_tokens") or count(usage, "reasoning_tokens")
    left_out = max(0, count(usage, "total_tokens") - prompt - completion)
    return Usage(
        prompt,
        completion + left_out,
        count(of_prompt, "cached_tokens") or _first(usage, *_CACHED),
        reasoning or left_out,
        _first(of_prompt, "cache_write_tokens", "cache_creation_tokens") or count(usage, "cache_creation_input_tokens"),
        _for_an_hour(usage, of_prompt),
        tier=tier if isinstance(tier, str) else None,
        charged_usd=_charged(usage),
    )


def _first(numbers: object, *names: str) -> int:
    """Returns the first count that is told."""
    return next(filter(None, (count(numbers, name) for name in names)), 0)


def _anthropics(usage: dict[str, Any]) -> int:
    """Returns the prompt as Anthropic tells it, apart from its caches."""
    return sum(
        count(usage, name) for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )


def _for_an_hour(usage: dict[str, Any], of_prompt: Any) -> int:
    details = of_prompt.get("cache_creation_token_details") if isinstance(of_prompt, dict) else None
    return count(details or usage.get("cache_creation"), "ephemeral_1h_input_tokens")


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
