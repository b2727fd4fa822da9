"""From the events of Anthropic's Messages interface to an answer."""

import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import Event, Served, count
from worker.result import FinishReason, Usage

TOKEN = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"[^"]')
"""A key with a value that is not empty: inside a JSON string its quotes would be escaped."""

_STOPPED = re.compile(rb'"type"\s*:\s*"message_stop"')

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


def ended(events: bytes) -> bool:
    """Tells whether the message's end is among these events."""
    return _STOPPED.search(events) is not None


def answer(events: list[Event]) -> Served:
    """Returns what the events say.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    message: dict[str, Any] = {}
    last: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    text = []
    stopped = False
    for event in events:
        kind = event.get("type")
        if kind == "content_block_delta":
            if event["delta"]["type"] == "text_delta":
                text.append(event["delta"]["text"])
        elif kind == "message_start":
            message = event["message"]
            usage = message.get("usage") or {}
        elif kind == "message_delta":
            last = event["delta"]
            # The final numbers; those that it leaves out or sends as null stand.
            usage = usage | {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
        elif kind == "message_stop":
            stopped = True
    finish = _finish(last, stopped)
    whole = "".join(text)
    if not whole and finish != "length":
        raise AttemptFailed("empty")
    said = {"role": "assistant", "content": whole, "refusal": None}
    return Served(str(message.get("id") or ""), str(message.get("model") or ""), said, finish, _usage(usage))


def _finish(last: dict[str, Any], stopped: bool) -> FinishReason:
    reason = last.get("stop_reason")
    if not (stopped and reason):
        raise AttemptFailed("truncated", "the stream ended before the answer did")
    if reason == "refusal":
        category = (last.get("stop_details") or {}).get("category")
        raise AttemptFailed("refusal", codes=(category,) if isinstance(category, str) else ())
    if reason not in _FINISH:
        raise AttemptFailed("malformed", "the stop reason is not one that is known")
    return _FINISH[reason]


def _usage(usage: dict[str, Any]) -> Usage | None:
    if not usage:
        return None
    cached = count(usage, "cache_read_input_tokens")
    prompt = count(usage, "input_tokens") + count(usage, "cache_creation_input_tokens") + cached
    return Usage(prompt, count(usage, "output_tokens"), cached)
