"""A provider's answer, and the result that a producer receives."""

from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
VERSION = 2


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer; `prompt` includes cached tokens, `completion` reasoning tokens."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider's whole answer.

    `message` is an OpenAI assistant message. `model` is the model that the provider names. `usage` is None if the
    provider sent none. `first_token_ms` counts from the start of the attempt; it is None for a plain answer.
    """

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None
    request_id: str | None
    first_token_ms: float | None


def completion(answer: Answer, created: float, fallback: dict[str, Any]) -> dict[str, Any]:
    """Returns an OpenAI `chat.completion` object with the report under `fallback`.

    Args:
        answer: the provider's answer.
        created: epoch in seconds.
        fallback: provider, chain, attempts, cost_usd, queued_ms, elapsed_ms.
    """
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": int(created),
        "model": answer.model,
        "choices": [{"index": 0, "message": answer.message, "finish_reason": answer.finish_reason, "logprobs": None}],
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
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
