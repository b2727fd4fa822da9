"""Reads an answer as its bytes come, streamed or plain, whichever was asked for: servers send either."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from worker.errors import AttemptFailed
from worker.providers.assembly import Assembly, ErrorEvent, ParsedAnswer
from worker.providers.error_body import is_error
from worker.providers.http.client import Response
from worker.providers.http.sse import DONE, Payloads
from worker.providers.http.time_limits import Limits

_SHAPES = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What a wrong shape of an event causes. To check every shape first would cost more than all other reading."""


class Reading:
    """One answer while it is read. `assembly` holds what has come so far.

    Attributes:
        assembly: the answer, as far as it has come.
        first_token: the monotonic instant of the first token, None before it.
    """

    def __init__(
        self,
        assembly: Assembly,
        limits: Limits,
        on_first_byte: Callable[[], None],
        check_wanted: Callable[[float], None],
    ) -> None:
        self.assembly = assembly
        self.first_token: float | None = None
        self._limits, self._check_wanted = limits, check_wanted
        self._on_first_byte: Callable[[], None] | None = on_first_byte
        self._payloads = Payloads()
        self._has_event = False

    def read(self, response: Response) -> None:
        """Reads the body to its end, or to where it was cut if the answer was whole by then.

        Raises:
            ErrorEvent: the server tells an error.
            AttemptFailed: `malformed`, what `check_wanted` raised, or what cut the body.
        """
        self._limits.head()
        try:
            response.read(self._receive)
        except AttemptFailed as failed:
            if failed.reason in ("revoked", "lease_lost", "malformed") or not (
                self.assembly.word or self.assembly.has_ended
            ):
                raise
        else:
            self._end(response.header("content-type"))

    def whole(self, *, may_be_silent: bool) -> ParsedAnswer:
        """Returns the whole answer; see `Assembly.whole`."""
        try:
            return self.assembly.whole(may_be_silent=may_be_silent)
        except _SHAPES:
            pass  # raising here would chain an exception that holds the answer
        raise _misshapen()

    def _receive(self, chunk: bytes) -> None:
        self._check_wanted(0.0)
        if self._on_first_byte:
            self._on_first_byte()
            self._on_first_byte = None
        if self.assembly.has_ended:
            return
        if self.first_token is None:
            self._limits.alive()
        if payloads := self._payloads.feed(chunk):
            self._take(_events(payloads))

    def _end(self, content_type: str | None) -> None:
        """Takes what stands at the end of the body without a line end.

        Raises:
            ErrorEvent, AttemptFailed: as `read`.
        """
        if self.assembly.has_ended:
            return
        payloads = self._payloads.end()
        if not (self._has_event or payloads) and not self._payloads.is_empty:
            raise AttemptFailed("malformed", f"no event in a body of type {_printable(content_type)}")
        try:
            self._take(_events(payloads))
        except AttemptFailed:
            if not self.assembly.word:  # half an event behind a whole answer
                raise

    def _take(self, events: list[Any]) -> None:
        assembly, has_token, fits = self.assembly, False, True
        self._has_event = self._has_event or bool(events)
        try:
            for event in events:
                if event is DONE:
                    assembly.has_ended = True
                if assembly.has_ended:
                    break
                is_usual = event.__class__ is dict and event.get("choices") and "error" not in event
                if not is_usual and is_error(event):
                    raise ErrorEvent(event)
                if assembly.add(event):
                    has_token = True
        except _SHAPES:
            fits = False  # raising here would chain an exception that holds the answer
        if not fits:
            raise _misshapen()
        if has_token:
            self.first_token = self.first_token or time.monotonic()
            self._limits.token()
        self._limits.is_flowing = self.first_token is not None and not (assembly.word or assembly.has_ended)
        if assembly.has_ended:
            self._limits.ended()


def _events(payloads: list[bytes]) -> list[Any]:
    """Returns the events of payloads; `DONE` for the end of a stream.

    Raises:
        AttemptFailed: `malformed`, one is no JSON.
    """
    if DONE in payloads:
        return [*_events(payloads[: payloads.index(DONE)]), DONE]
    if len(payloads) == 1:
        return [_event(payloads[0])]
    # At once takes a third of the time. Data that is JSON only when joined is refused: the count must match.
    events = _parsed(b"[" + b",\n".join(payloads) + b"]")
    if isinstance(events, list) and len(events) == len(payloads):
        return events
    return [_event(payload) for payload in payloads]


def _event(payload: bytes) -> Any:
    event = _parsed(payload)
    if event is None:
        raise AttemptFailed("malformed", "an event is not JSON")
    if not isinstance(event, dict) and not is_error(event):
        raise AttemptFailed("malformed", "an event is not a JSON object")
    return event


def _parsed(text: bytes) -> Any:
    try:
        # By default it caches the last 16,384 short strings of all answers: a megabyte or two of other answers' text.
        return from_json(text, cache_strings="keys")
    except ValueError:
        pass  # from_json is a fifth faster, but strict about depth and single surrogates
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # raising here would chain an exception that holds the answer


def _misshapen() -> AttemptFailed:
    return AttemptFailed("malformed", "an event has not the shape that was agreed on")


def _printable(content_type: str | None) -> str:
    return ascii(content_type[:64]) if content_type else "none"
