"""What a provider answered, and the result that a producer gets."""

from dataclasses import dataclass, field
from typing import Any, Literal

from config.providers import Model

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
VERSION = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `prompt` includes the cached ones, `completion` the reasoning ones."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider's whole answer.

    `message` is an OpenAI assistant message; `model` is what the provider says it served; `usage` is None where
    the provider sent none. `first_token_ms` runs from the start of the attempt, and is None of a plain
    answer, which shows no token.
    """

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None
    request_id: str | None
    first_token_ms: float | None


def cost(model: Model, usage: Usage | None) -> float | None:
    """Returns USD by the configured prices per million tokens, None where prices or usage are unknown."""
    if usage is None or model.input_usd is None or model.output_usd is None:
        return None
    return (usage.prompt * model.input_usd + usage.completion * model.output_usd) / 1_000_000


def completion(answer: Answer, created: float, fallback: dict[str, Any]) -> dict[str, Any]:
    """Returns an OpenAI `chat.completion` object with the story under `fallback`.

    Args:
        answer: what the provider said.
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
