"""The headers of ours in a message: the version, the position in the chain and the deadline."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import InvalidRequest
from worker.request.field_errors import describe_errors
from worker.request.version import FIRST_VERSION, LATEST_VERSION
from worker.telemetry.traces.tracing import TRACEPARENT, TRACESTATE

HEADER = "fallback"
HIDDEN = "(hidden)"

_Epoch = Annotated[float, Field(ge=0, le=1e10)]


class Stage(BaseModel):
    """The position of a message in its chain; `queued_at` and `deadline_at` are epochs in seconds.

    A message that is due later counts as queued then. `replay` is the epoch in ms of the failure that the message
    replays. `sent_at` is when a completion that is due later was queued, where its producer traces.

    Unknown fields are ignored: a worker of the version before may read the message, too.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    version: Annotated[int, Field(ge=0)] = FIRST_VERSION
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    remaining: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    current: str | None = None
    queued_at: _Epoch | None = None
    deadline_at: _Epoch | None = None
    replay: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    sent_at: _Epoch | None = None


def first_headers(due: float, timeout: float, version: int = FIRST_VERSION) -> dict[str, Any]:
    """Returns our headers for a message that is due at the epoch `due`, to be answered within `timeout` seconds.

    `version` is the lowest of the workers that can read its request.
    """
    return {"version": version, "queued_at": due, "deadline_at": due + timeout}


def our_headers(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns our part of a message's headers, empty if the producer sent the task by name."""
    found = (headers or {}).get(HEADER)
    return dict(found) if isinstance(found, Mapping) else {}


def trace_context(request: Any) -> dict[str, str]:
    """Returns W3C's trace context of a task's request, empty without one.

    A producer with Celery's own instrumentation writes it among Celery's headers; where the message has a header
    `headers` besides, Celery shows only what is in that.
    """
    among = request.headers or {}
    found = {name: among.get(name, getattr(request, name, None)) for name in (TRACEPARENT, TRACESTATE)}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def is_newer(headers: Mapping[str, Any] | None) -> bool:
    """Returns whether a later version wrote the message. Then only its deadline can be read here."""
    version = our_headers(headers).get("version")
    return isinstance(version, int) and version > LATEST_VERSION


def read_stage(headers: Mapping[str, Any] | None) -> Stage:
    """Returns the position that a message's headers name.

    Raises:
        InvalidRequest: our part of them is invalid; the message names each field and the reason.
    """
    found = (headers or {}).get(HEADER) or {}
    try:
        return Stage.model_validate(found)
    except ValidationError as exc:
        raise InvalidRequest(f"headers.{HEADER}: {describe_errors(exc, found)}") from None
