"""What a provider answered, and the result that a producer gets."""

from dataclasses import dataclass
from typing import Any, Literal

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
    the provider sent none. `first_token_ms` runs from the start of the attempt.
    """

    id: str
    model: str
    message: dict[str, Any]
    finish_reason: FinishReason
    usage: Usage | None
    request_id: str | None
    first_token_ms: float
