"""From the chunks of OpenAI's Chat Completions interface to an answer."""

import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import Event, Served, count
from worker.result import FinishReason, Usage

TOKEN = re.compile(rb'"(?:content|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"[^"]')
"""A key with a value that is not empty: inside a JSON string its quotes would be escaped."""

_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


def ended(events: bytes) -> bool:
    """Tells whether these events end with the stream's end; in mid-event it may be a quotation."""
    return events.endswith((b"\ndata: [DONE]\n\n", b"\ndata:[DONE]\n\n")) or events == b"data: [DONE]\n\n"


def answer(events: list[Event]) -> Served:
    """Returns what the chunks say; a missing `[DONE]` is no failure.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    text = []
    finish = usage = None
    refused = False
    for event in events:
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if content := delta.get("content"):
                text.append(content)
            refused = refused or bool(delta.get("refusal"))
            finish = choice.get("finish_reason") or finish
        usage = event.get("usage") or usage
    if refused or finish == "content_filter":
        raise AttemptFailed("refusal", codes=("content_filter",) if finish == "content_filter" else ())
    if finish is None:
        raise AttemptFailed("truncated", "the stream ended before the answer did")
    if finish not in _FINISH:
        raise AttemptFailed("malformed", "the finish reason is not one that is known")
    whole = "".join(text)
    if not whole and finish != "length":
        raise AttemptFailed("empty")
    said = {"role": "assistant", "content": whole, "refusal": None}
    return Served(_first(events, "id"), _first(events, "model"), said, _FINISH[finish], _usage(usage))


def _first(events: list[Event], name: str) -> str:
    return next((str(event[name]) for event in events if event.get(name)), "")


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return Usage(
        count(usage, "prompt_tokens"),
        count(usage, "completion_tokens"),
        count(usage.get("prompt_tokens_details"), "cached_tokens"),
        count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )
