"""From what Anthropic's Messages interface sends to an answer.

Thinking, signatures and whatever else is neither text nor a call of ours is read past: it is nobody's to see, and no
other vendor takes it back. `model_context_window_exceeded` is `length`. `pause_turn`, a turn that only this vendor
could go on with, cannot come, as we send it no tool of its own; if it does, the answer is `malformed`.
"""

import json
import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.calls import served
from worker.providers.detail import word
from worker.providers.dialect import Event, Served, count, joined
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


def plain(body: Event) -> Served:
    """Returns what a plain answer says.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    blocks = body["content"]
    text = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [(block["id"], block["name"], _written(block)) for block in blocks if block["type"] == "tool_use"]
    return _served(body, body, body.get("usage") or {}, text, calls)


def answer(events: list[Event]) -> Served:
    """Returns what the events say.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    message: dict[str, Any] = {}
    last: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    text: list[str] = []
    calls: dict[Any, dict[str, Any]] = {}
    stopped = False
    for event in events:
        kind = event.get("type")
        if kind == "content_block_delta":
            delta = event["delta"]
            if delta["type"] == "text_delta":
                text.append(delta["text"])
            elif delta["type"] == "input_json_delta" and event["index"] in calls:
                calls[event["index"]]["pieces"].append(delta["partial_json"])
        elif kind == "content_block_start":
            block = event["content_block"]
            if block["type"] == "tool_use":
                calls[event["index"]] = block | {"pieces": []}
            elif block["type"] == "text":
                text.append(block["text"])
        elif kind == "message_start":
            message = event["message"]
            usage = message.get("usage") or {}
        elif kind == "message_delta":
            last = event["delta"]
            # The final numbers; those that it leaves out or sends as null stand.
            usage = usage | {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
        elif kind == "message_stop":
            stopped = True
    told = [(call["id"], call["name"], "".join(call["pieces"]) or _written(call)) for call in calls.values()]
    return _served(message, last if stopped else {}, usage, text, told)


def _written(block: dict[str, Any]) -> str:
    return json.dumps(block.get("input") or {}, ensure_ascii=False)


def _served(
    message: dict[str, Any],
    last: dict[str, Any],
    usage: dict[str, Any],
    text: list[str],
    calls: list[tuple[Any, Any, str]],
) -> Served:
    finish = _finish(last)
    id_, name = joined([str(message.get("id") or "")]), joined([str(message.get("model") or "")])
    return served(id_, name, text, calls, finish, _usage(usage))


def _finish(last: dict[str, Any]) -> FinishReason:
    reason = last.get("stop_reason")
    if not reason:
        raise AttemptFailed("truncated", "the stream ended before the answer did")
    if reason == "refusal":
        category = (last.get("stop_details") or {}).get("category")
        raise AttemptFailed("refusal", codes=tuple(filter(None, [word(category)])))
    if reason not in _FINISH:
        raise AttemptFailed("malformed", "the stop reason is not one that is known")
    return _FINISH[reason]


def _usage(usage: dict[str, Any]) -> Usage | None:
    if not usage:
        return None
    cached = count(usage, "cache_read_input_tokens")
    prompt = count(usage, "input_tokens") + count(usage, "cache_creation_input_tokens") + cached
    reasoning = count(usage.get("output_tokens_details"), "thinking_tokens")
    return Usage(prompt, count(usage, "output_tokens"), cached, reasoning)
