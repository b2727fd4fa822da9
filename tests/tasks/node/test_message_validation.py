"""What a message must have for Celery to work on it."""

import json
from typing import Any

import pytest
from kombu import Message

from tasks.node.message_validation import OVERHEAD, fault, task_id

BODY: list[Any] = [[{"messages": []}], {"chain": "default"}, {"callbacks": None, "errbacks": None}]
HEADERS = {
    "id": "a-1", "task": "fallback.complete", "lang": "py", "eta": "2026-11-24T10:00:00+00:00", "expires": None,
    "retries": 0, "timelimit": [None, None], "root_id": "a-1", "parent_id": None, "group": None, "shadow": None,
    "argsrepr": "()", "origin": "gen1@host", "stamps": {}, "stamped_headers": None, "fallback": {"version": 2},
    "traceparent": "00-1",
}  # fmt: skip


def message(headers: Any = HEADERS, body: Any = BODY, kind: str = "application/json") -> Message:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    made = Message(body=data, content_type=kind, content_encoding="utf-8")
    made.headers, made.accept = headers, {"application/json"}
    return made


def changed(**fields: Any) -> Message:
    return message({**HEADERS, **fields})


GOOD = {
    "Celery's second protocol": message(),
    "its first": message({}, {"id": "a", "task": "t", "args": [], "kwargs": {}, "utc": True, "taskset": None}),
    "a linked task": message(body=[[], {}, {"callbacks": [{"task": "t", "args": [], "kwargs": {}, "options": {}}]}]),
    "no links": message(body=[[], {}, None]),
}


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
def test_a_message_of_celerys_passes(good: Message) -> None:
    assert fault(good, 1_000) is None


BAD = {
    "headers of another type": (message([]), "headers: must be an object"),
    "no id": (message({"task": "t"}), "id: missing"),
    "an id of two lines": (changed(id="a\nb"), "id: has a character that cannot be printed"),
    "a task that is a list": (changed(task=[]), "task: must be a valid string"),
    "an eta that is none": (changed(eta="soon"), "eta: must be an instant as ISO 8601 writes it"),
    "retries as text": (changed(retries="1"), "retries: must be a valid integer"),
    "a name of Celery's": (changed(get=1), "headers.get: is Celery's own"),
    "two items": (message(body=[[], {}]), "body: must be a list of arguments, arguments by name, and links"),
    "arguments as text": (message(body=["a", {}, {}]), "args: must be a valid list"),
    "arguments by name as a list": (message(body=[[], [], {}]), "kwargs: must be an object"),
    "links as a number": (message(body=[[], {}, 5]), "body.2: must be an object"),
    "a callback that is none": (message(body=[[], {}, {"callbacks": [5]}]), "callbacks.0: must be an object"),
    "a callback without a task": (
        message(body=[[], {}, {"callbacks": [{"args": [], "kwargs": {}, "options": {}}]}]),
        "callbacks.0.task: missing",
    ),
    "no JSON": (message(body="{"), "body: is no JSON that can be read"),
    "too deep a JSON": (message(body="[" * 60_000), "body: is no JSON that can be read"),
    "a pickle": (message(body=b"\x80", kind="application/x-python-serialize"), "body: is no JSON that can be read"),
    "no content type": (message(kind=""), "body: must be a list of arguments, arguments by name, and links"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_what_is_none_is_refused_with_field_and_reason(bad: Message, reason: str) -> None:
    assert fault(bad, 1_000) == reason


def test_a_message_over_the_bound_is_not_even_decoded() -> None:
    huge = message(body="x" * (1_001 + OVERHEAD))
    assert fault(huge, 1_000) == "request: 66,537 bytes as JSON; at most 1,000 (results.max_request_bytes)"


@pytest.mark.parametrize("value", [None, 5, [], "", "a\nb", "\ud800", "x" * 256])
def test_nobody_is_told_under_an_id_that_is_none(value: Any) -> None:
    assert task_id(changed(id=value)) is None
