"""Parses the responses of OpenAI's Chat Completions interface."""

import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import Event, ParsedAnswer, count, join_utf8
from worker.providers.tool_calls import parsed_answer
from worker.result import FinishReason, Usage

TOKEN = re.compile(rb'"(?:content|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"[^"]')
"""A key with a non-empty value. It cannot match inside a JSON string, where quotes are escaped."""

_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


def ended(events: bytes) -> bool:
    """Returns whether these events end with the end of the stream; elsewhere `[DONE]` may be a quotation."""
    return events.endswith((b"\ndata: [DONE]\n\n", b"\ndata:[DONE]\n\n")) or events == b"data: [DONE]\n\n"


def plain(body: Event) -> ParsedAnswer:
    """Returns the parsed plain answer, which has whole messages instead of pieces.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    choices = [choice | {"delta": _numbered(choice["message"])} for choice in body["choices"]]
    return answer([body | {"choices": choices}])


def _numbered(message: dict[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls") or ()
    return message | {"tool_calls": [call | {"index": index} for index, call in enumerate(calls)]}


def answer(events: list[Event]) -> ParsedAnswer:
    """Returns the answer of all chunks; a missing `[DONE]` is no failure.

    Raises:
        AttemptFailed: `truncated`, `refusal`, `empty` or `malformed`.
    """
    text: list[str] = []
    calls = _Calls()
    finish = usage = None
    refused = False
    for event in events:
        for choice in event.get("choices") or ():
            if choice.get("index"):
                continue  # we asked for one answer
            delta = choice.get("delta") or {}
            if content := delta.get("content"):
                text.append(content)
            if pieces := delta.get("tool_calls"):
                calls.add(pieces)
            refused = refused or bool(delta.get("refusal"))
            finish = choice.get("finish_reason") or finish
        usage = event.get("usage") or usage
    if refused or finish == "content_filter":
        raise AttemptFailed("refusal", codes=("content_filter",) if finish == "content_filter" else ())
    if finish is None:
        raise AttemptFailed("truncated", "the stream ended before the answer did")
    if finish not in _FINISH:
        raise AttemptFailed("malformed", "the finish reason is not one that is known")
    id_, model = _first(events, "id"), _first(events, "model")
    return parsed_answer(id_, model, text, calls.whole(), _FINISH[finish], _usage(usage))


class _Calls:
    """Joins the pieces of tool calls by index. Some servers count wrongly, so a new id is a new call."""

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._at: dict[Any, dict[str, Any]] = {}

    def add(self, pieces: list[dict[str, Any]]) -> None:
        for piece in pieces:
            index, id_, function = piece.get("index"), piece.get("id"), piece.get("function") or {}
            call = self._at.get(index)
            if call is None or (id_ and call["id"] and id_ != call["id"]):
                call = self._at[index] = {"id": None, "name": None, "arguments": []}
                self._calls.append(call)
            call["id"] = call["id"] or id_
            call["name"] = call["name"] or function.get("name")
            call["arguments"].append(function.get("arguments") or "")

    def whole(self) -> list[tuple[Any, Any, str]]:
        return [(call["id"], call["name"], "".join(call["arguments"])) for call in self._calls]


def _first(events: list[Event], name: str) -> str:
    return next((join_utf8([str(event[name])]) for event in events if event.get(name)), "")


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return Usage(
        count(usage, "prompt_tokens"),
        count(usage, "completion_tokens"),
        count(usage.get("prompt_tokens_details"), "cached_tokens"),
        count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )
