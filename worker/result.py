"""A provider's answer, and the result that a producer receives."""

from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
VERSION = 2


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer, as far as the provider told them.

    Attributes:
        prompt: all of the prompt, with what was read from a cache and written to one.
        completion: all of the answer, with its reasoning.
        cached: read from a cache.
        reasoning: of the answer.
        cache_write: written to a cache.
        cache_write_1h: of those, written for an hour.
        tier: the provider's word for the speed that was bought.
        charged_usd: what the provider says that it charged.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    tier: str | None = None
    charged_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider's whole answer.

    `message` is an OpenAI assistant message. `model` is the model that the provider names. `usage` is None if the
    provider sent none. `first_token_ms` counts from the start of the attempt; it is None for a plain answer.
    `exhausted_for` is the seconds until the provider's rate limits are reset, 0 while something remains; `scarce_for`
    likewise, 0 while a tenth remains.
    """

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None
    request_id: str | None
    first_token_ms: float | None
    logprobs: dict[str, Any] | None = field(default=None, repr=False)
    exhausted_for: float = 0.0
    scarce_for: float = 0.0


def completion(answer: Answer, created: float, fallback: dict[str, Any]) -> dict[str, Any]:
    """Returns an OpenAI `chat.completion` object with the report under `fallback`.

    Args:
        answer: the provider's answer.
        created: epoch in seconds.
        fallback: provider, chain, attempts, cost_usd, wasted_usd, queued_ms, elapsed_ms.
    """
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": int(created),
        "model": answer.model,
        "choices": [
            {
                "index": 0,
                "message": answer.message,
                "finish_reason": answer.finish_reason,
                "logprobs": answer.logprobs,
            }
        ],
        "usage": _usage(answer.usage),
        "fallback": {**fallback, "version": VERSION},
    }


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
