"""One attempt at one provider."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from config.providers import Model, Provider
from worker.errors import AttemptFailed
from worker.http import Response, send
from worker.limits import Limits
from worker.providers import failure
from worker.providers.dialect import Dialect, Event, Served
from worker.providers.dialects import DIALECTS
from worker.request import CompletionRequest
from worker.result import Answer
from worker.sse import Events, payloads


@dataclass(frozen=True, slots=True)
class _Stream:
    """What was read of a stream: its whole events, when its first token came, and what cut it, if anything did."""

    events: bytes
    first_token: float
    cut: AttemptFailed | None


def ask(
    provider: Provider,
    model: Model,
    request: CompletionRequest,
    *,
    deadline: float,
    on_first_token: Callable[[], None],
    is_revoked: Callable[[], bool],
) -> Answer:
    """Returns the provider's whole answer.

    `deadline` is an instant of `time.monotonic`. `on_first_token` is called once, when the answer begins to come;
    `is_revoked` is asked whenever more of it has come.

    Raises:
        AttemptFailed: whatever the provider or the network did.
    """
    dialect, limits = DIALECTS[provider.dialect], Limits(provider, deadline)
    body = json.dumps(dialect.body(request, model), separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", **dialect.headers(provider)}
    with send("POST", provider.base_url + dialect.path, headers, body, limits) as response:
        if not 200 <= response.status < 300:
            raise failure.from_response(response, provider, request)
        stream = _read(response, dialect, limits, on_first_token, is_revoked)
        request_id = failure.request_id(response)
    events = _events(stream, response.header("content-type"))
    for event in events:
        if event.get("error"):
            raise failure.from_event(event, request_id, provider, request)
    served = _served(dialect, stream, events)
    return Answer(
        served.id,
        served.model,
        served.message,
        served.finish_reason,
        served.usage,
        request_id,
        1000 * (stream.first_token - limits.started),
    )


def _read(
    response: Response,
    dialect: Dialect,
    limits: Limits,
    on_first_token: Callable[[], None],
    is_revoked: Callable[[], bool],
) -> _Stream:
    events, first_token, cut = Events(), 0.0, None
    try:
        for chunk in response.chunks():
            if is_revoked():
                raise AttemptFailed("revoked")
            came = events.feed(chunk)
            if not came:
                continue
            if dialect.token.search(came):
                if not first_token:
                    first_token = time.monotonic()
                    on_first_token()
                limits.token()
            if dialect.ended(came):
                limits.ended()
    except AttemptFailed as failed:
        if failed.reason in ("revoked", "malformed"):
            raise
        cut = failed
    return _Stream(events.gathered(ended=cut is None), first_token or time.monotonic(), cut)


def _events(stream: _Stream, content_type: str | None) -> list[Event]:
    """Returns the stream's events, parsed in one go: a third of the price of parsing each."""
    data = [payload for payload in payloads(stream.events) if payload != b"[DONE]"]
    if not data and stream.events.strip() and not stream.cut:
        raise AttemptFailed("malformed", f"no event in a body of type {content_type}")
    # What is JSON only when joined is none: a line end stands in no JSON string, and the count must be right.
    events = _parsed(b"[" + b",\n".join(data) + b"]")
    if events is None or len(events) != len(data) or not all(isinstance(event, dict) for event in events):
        raise AttemptFailed("malformed", "an event is not a JSON object")
    return events


def _parsed(text: bytes) -> list[Event] | None:
    try:
        events: list[Event] = json.loads(text)
    except (ValueError, RecursionError):
        return None  # raising here would chain an exception that holds the answer
    return events


def _served(dialect: Dialect, stream: _Stream, events: list[Event]) -> Served:
    """Returns what a whole stream says. One that was cut after all that matters is whole."""
    try:
        served = _shaped(dialect, events)
    except AttemptFailed as failed:
        if stream.cut and failed.reason == "truncated":
            raise stream.cut from None
        raise
    if served is None:
        raise AttemptFailed("malformed", "an event has not the shape that was agreed on")
    return served


def _shaped(dialect: Dialect, events: list[Event]) -> Served | None:
    try:
        return dialect.answer(events)
    except (LookupError, TypeError, AttributeError):
        # Checking the shape of every event first would cost more than all the rest of reading it.
        return None
