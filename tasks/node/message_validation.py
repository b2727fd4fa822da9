"""Checks what Celery assumes about every task message.

Without these checks an invalid message does harm:

| message | effect |
|---|---|
| a task's name that is a list, no id | ends the worker that fetches it, then the next one |
| a body of two items | fills a slot for ever |
| others | acknowledged, while the producer waits without a result |
"""

from datetime import datetime
from typing import Annotated, Any

from celery.app.task import Context
from celery.utils.time import maybe_iso8601
from kombu.exceptions import ContentDisallowed, DecodeError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from worker.request.field_errors import describe_errors

OVERHEAD = 65_536
"""Bytes that Celery and linked tasks may add to a request."""

_STRICT = ConfigDict(strict=True, allow_inf_nan=False, hide_input_in_errors=True)


def _check_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has a character that cannot be printed")
    return value


def _check_instant(value: str) -> str:
    try:
        datetime.fromisoformat(value).timestamp()  # as we read it
        maybe_iso8601(value)  # as Celery does
    except (ValueError, OverflowError):
        raise ValueError("must be an instant as ISO 8601 writes it") from None
    return value


_Line = Annotated[str, Field(max_length=255), AfterValidator(_check_line)]
_Name = Annotated[_Line, Field(min_length=1)]
_Instant = Annotated[str, Field(max_length=64), AfterValidator(_check_instant)]


class _Signature(BaseModel):
    model_config = _STRICT

    task: _Name
    arguments: Annotated[list[Any], Field(alias="args")]
    named: Annotated[dict[str, Any], Field(alias="kwargs")]
    options: dict[str, Any]


_Signatures = list[_Signature] | None
_Limit = Annotated[float, Field(ge=0)] | None


class _Envelope(BaseModel):
    model_config = _STRICT

    id: _Name
    task: _Name
    arguments: Annotated[list[Any], Field(alias="args")]
    named: Annotated[dict[str, Any], Field(alias="kwargs")]
    callbacks: _Signatures = None
    errbacks: _Signatures = None
    chain: _Signatures = None
    chord: _Signature | None = None
    eta: _Instant | None = None
    expires: _Instant | None = None
    retries: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    timelimit: Annotated[list[_Limit], Field(min_length=2, max_length=2)] | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    group: _Line | None = None
    group_index: Annotated[int, Field(ge=0)] | None = None
    root_id: _Line | None = None
    parent_id: _Line | None = None
    shadow: _Line | None = None
    origin: _Line | None = None
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] | None = None


_RESERVED = frozenset(dir(Context)) - _Envelope.model_fields.keys() - {"args", "kwargs", "utc", "taskset"}
"""Celery's own names: a header with such a name would replace an attribute or a method."""


def task_id(message: Any) -> str | None:
    """Returns the task id of a message, under which a producer may wait; None if it has no usable one."""
    found = message.headers.get("id") if isinstance(message.headers, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= 255 and found.isprintable() else None


def fault(message: Any, most: int) -> str | None:
    """Returns what is wrong with a message, as a path and the reason; None if Celery can run it.

    Args:
        message: kombu's message.
        most: the most bytes of a request as JSON; a larger message is not decoded.
    """
    size = len(message.body) if isinstance(message.body, str | bytes) else 0
    if size > most + OVERHEAD:
        return f"request: {size:,} bytes as JSON; at most {most:,} (results.max_request_bytes)"
    try:
        return _fault(message.headers, message.payload)
    except (DecodeError, ContentDisallowed, AttributeError, LookupError, TypeError, ValueError):
        return "body: is no JSON that can be read"


def _fault(headers: Any, payload: Any) -> str | None:
    if not isinstance(headers, dict):
        return "headers: must be an object"
    fields = _fields(headers, payload)
    if isinstance(fields, str):
        return fields
    if reserved := sorted(_RESERVED & fields.keys()):
        return f"headers.{reserved[0]}: is Celery's own"
    try:
        _Envelope.model_validate(fields)
    except ValidationError as exc:
        return describe_errors(exc, fields)
    return None


def _fields(headers: dict[str, Any], payload: Any) -> dict[str, Any] | str:
    if isinstance(payload, dict) and "task" not in headers:  # Celery's first protocol
        return {"args": [], "kwargs": {}, **payload, **headers}
    if not isinstance(payload, list) or len(payload) != 3:
        return "body: must be a list of arguments, arguments by name, and links"
    args, kwargs, links = payload
    if not isinstance(links, dict | None):
        return "body.2: must be an object"
    return {**headers, "args": args, "kwargs": kwargs, **(links or {})}
