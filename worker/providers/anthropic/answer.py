"""Parses the responses of Anthropic's Messages interface.

1. Thinking, signatures and other blocks that are neither text nor a call are ignored: producers do not see them, and no
   other vendor accepts them.
2. `model_context_window_exceeded` is `length`.
3. `pause_turn`, which only this vendor could continue, needs one of its own tools, and we send none. If it comes, the
   answer is `malformed`.
"""

import json
import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import Event, ParsedAnswer, count, join_utf8
from worker.providers.scrubbing import code_word
from worker.providers.tool_calls import parsed_answer
from worker.result import FinishReason, Usage

TOKEN = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"[^"]')
"""A key with a non-empty value. It cannot match inside a JSON string, where quotes are escaped."""

_STOPPED = re.compile(rb'"type"\s*:\s*"message_stop"')

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


def ended(events: bytes) -> bool:
    """Returns whether these events hold the message's end."""
    return _STOPPED.search(events) is not None


def plain(body: Event) -> ParsedAnswer:
    """Returns the parsed plain answer.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    blocks = body["content"]
    text = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [(block["id"], block["name"], _input_json(block)) for block in blocks if block["type"] == "tool_use"]
    return _parsed(body, body, body.get("usage") or {}, text, calls)


def answer(events: list[Event]) -> ParsedAnswer:
    """Returns the answer of all events.

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
            # The final numbers; a number that is missing or null keeps its earlier value.
            usage = usage | {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
        elif kind == "message_stop":
            stopped = True
    complete = [(call["id"], call["name"], "".join(call["pieces"]) or _input_json(call)) for call in calls.values()]
    return _parsed(message, last if stopped else {}, usage, text, complete)


def _input_json(block: dict[str, Any]) -> str:
    return json.dumps(block.get("input") or {}, ensure_ascii=False)


def _parsed(
    message: dict[str, Any],
    last: dict[str, Any],
    usage: dict[str, Any],
    text: list[str],
    calls: list[tuple[Any, Any, str]],
) -> ParsedAnswer:
    finish = _finish(last)
    id_, name = join_utf8([str(message.get("id") or "")]), join_utf8([str(message.get("model") or "")])
    return parsed_answer(id_, name, text, calls, finish, _usage(usage))


def _finish(last: dict[str, Any]) -> FinishReason:
    reason = last.get("stop_reason")
    if not reason:
        raise AttemptFailed("truncated", "the stream ended before the answer did")
    if reason == "refusal":
        category = (last.get("stop_details") or {}).get("category")
        raise AttemptFailed("refusal", codes=tuple(filter(None, [code_word(category)])))
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
