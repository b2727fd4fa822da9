"""One attempt at one provider."""

import json
import time
from collections.abc import Callable

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
        stream = _Stream(dialect, limits, on_first_token, is_revoked)
        stream.read(response)
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


class _Stream:
    """What was read of a stream: its whole events, when its first token came, and what cut it, if anything did."""

    def __init__(
        self, dialect: Dialect, limits: Limits, on_first_token: Callable[[], None], is_revoked: Callable[[], bool]
    ) -> None:
        self._dialect, self._limits = dialect, limits
        self._on_first_token, self._is_revoked = on_first_token, is_revoked
        self._events = Events()
        self._first_token = 0.0
        self.cut: AttemptFailed | None = None

    def read(self, response: Response) -> None:
        """Reads it to its end, or to where it was cut.

        Raises:
            AttemptFailed: `revoked`, or `malformed`.
        """
        try:
            response.read(self._came)
        except AttemptFailed as failed:
            if failed.reason in ("revoked", "malformed"):
                raise
            self.cut = failed

    @property
    def events(self) -> bytes:
        """Returns the whole events."""
        return self._events.gathered(ended=self.cut is None)

    @property
    def first_token(self) -> float:
        """Returns the monotonic instant of the first token; now where none came."""
        return self._first_token or time.monotonic()

    def _came(self, chunk: bytes) -> None:
        if self._is_revoked():
            raise AttemptFailed("revoked")
        events = self._events.feed(chunk)
        if self._dialect.token.search(events):
            if not self._first_token:
                self._first_token = time.monotonic()
                self._on_first_token()
            self._limits.token()
        if self._dialect.ended(events):
            self._limits.ended()


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
