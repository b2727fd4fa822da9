"""Messages near and far from Celery's, as they stand in a queue of Redis."""

import base64
import json
import time
from typing import Any

from hypothesis import strategies as st

from tests.end_to_end.vendors import QUESTION
from tests.fuzz.drawing import JSON, NASTY, TEXT, mutated

SOON = 8.0
"""Seconds that a message has, as long as one of a later version may go round."""

_BODY = [[QUESTION], {"chain": "default"}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
_LINK = {"task": "stranger", "args": [], "kwargs": {}, "options": {"queue": "elsewhere"}, "subtask_type": None}
_LINKED = [_BODY[0], _BODY[1], {"callbacks": [_LINK], "errbacks": [_LINK], "chain": [_LINK], "chord": None}]
_OURS = {"version": 2, "step": 0, "remaining": ["claude", "openai"], "queued_at": 0.0, "deadline_at": 0.0}
_HEADERS = {
    "lang": "py", "task": "fallback.complete", "id": "", "shadow": None, "eta": None, "expires": None, "group": None,
    "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": None, "parent_id": None,
    "argsrepr": "()", "kwargsrepr": "{}", "origin": "gen1@host", "ignore_result": False,
    "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}, "fallback": _OURS,
}  # fmt: skip
_PROPERTIES = {
    "correlation_id": "", "reply_to": "", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
    "delivery_info": {"exchange": "", "routing_key": "completions"}, "delivery_tag": "",
}  # fmt: skip
_NAMES = (
    st.sampled_from([*_HEADERS, *_OURS, *_LINK, "callbacks", "get", "headers", "called_directly", "task_id"]) | TEXT
)
_SHAPE = {"content-type": "application/json", "content-encoding": "utf-8"}
_BODIES = st.sampled_from([_BODY, _LINKED])
_LINKS = mutated(st.just(_LINKED[2]), _NAMES)
_RAW = st.sampled_from([b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"NaN", b'"' + b"x" * 100_000 + b'"'])


def _made(headers: Any, body: Any, raw: bytes | None) -> dict[str, Any]:
    return {"headers": headers, "body": body, "raw": raw, **_SHAPE}


_WELL_FORMED = st.builds(_made, st.just(_HEADERS), _BODIES, st.none())


def _is_object(headers: Any) -> bool:
    """Tells whether kombu makes a message of it at all; what is none is the transport's."""
    return isinstance(headers, dict)


def _with(ours: Any) -> dict[str, Any]:
    return {**_HEADERS, **(ours if isinstance(ours, dict) else {"fallback": ours})}


MESSAGES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(_made, mutated(st.just(_HEADERS), _NAMES).filter(_is_object), _BODIES, st.none()),
    st.builds(_made, mutated(st.just(_HEADERS), _NAMES).filter(_is_object), _BODIES, st.none()),
    st.builds(_made, mutated(st.just({"fallback": _OURS}), _NAMES).map(lambda ours: _with(ours)), _BODIES, st.none()),
    st.builds(_made, st.just(_HEADERS), mutated(st.just(_BODY), _NAMES), st.none()),
    st.builds(_made, st.just(_HEADERS), JSON, st.none()),
    st.builds(_made, st.just(_HEADERS), st.none(), _RAW),
    st.builds(lambda message, kind: {**message, "content-type": kind}, _WELL_FORMED, NASTY),
    st.builds(lambda message, kind: {**message, "content-encoding": kind}, _WELL_FORMED, NASTY),
)
"""What a message is made of; `entry` makes one of it."""

LINKED = st.builds(lambda links: _made(_HEADERS, [_BODY[0], _BODY[1], links], None), _LINKS)
"""Good messages whose links to other tasks are near and far from Celery's."""


def entry(message: dict[str, Any], task_id: str) -> str:
    """Returns what to put into a queue: the message with this id, where it still has one, and due soon."""
    headers = _filled(message["headers"], task_id)
    body = json.dumps(message["body"]).encode() if message["raw"] is None else message["raw"]
    properties = {**_PROPERTIES, "correlation_id": task_id, "delivery_tag": task_id}
    whole = {**message, "headers": headers, "properties": properties, "body": base64.b64encode(body).decode()}
    return json.dumps({name: value for name, value in whole.items() if name != "raw"})


def is_awaited(text: str, task_id: str) -> bool:
    """Tells whether somebody who knows the id may expect an outcome: it is there, and wants one."""
    headers = json.loads(text)["headers"]
    return isinstance(headers, dict) and headers.get("id") == task_id and headers.get("ignore_result") is not True


def _filled(headers: Any, task_id: str) -> Any:
    if not isinstance(headers, dict):
        return headers
    filled = {name: task_id if name == "id" and value == "" else value for name, value in headers.items()}
    ours = filled.get("fallback")
    if isinstance(ours, dict) and ours.get("deadline_at") == 0.0:
        filled["fallback"] = {**ours, "deadline_at": time.time() + SOON}
    return filled
