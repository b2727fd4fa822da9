"""Reads an answer, as a stream or plain, and shows it to its dialect when it is whole."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from worker.errors import AttemptFailed
from worker.http import Response
from worker.limits import Limits
from worker.providers.dialect import Dialect, Event, Served
from worker.sse import MOST, Events, payloads


class Stream:
    """What was read of a stream: its whole events, when its first token came, and what cut it, if anything did."""

    def __init__(
        self, dialect: Dialect, limits: Limits, on_first_token: Callable[[], None], is_revoked: Callable[[], bool]
    ) -> None:
        self._dialect, self._limits = dialect, limits
        self._on_first_token, self._is_revoked = on_first_token, is_revoked
        self._events = Events()
        self._first_token = 0.0
        self._cut: AttemptFailed | None = None

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
            self._cut = failed

    @property
    def first_token(self) -> float:
        """Returns the monotonic instant of the first token; now where none came."""
        return self._first_token or time.monotonic()

    def events(self, content_type: str | None) -> list[Event]:
        """Returns its whole events, parsed in one go: a third of the price of parsing each.

        Raises:
            AttemptFailed: `malformed`, they are none.
        """
        stream = self._events.gathered(ended=self._cut is None)
        data = [payload for payload in payloads(stream) if payload != b"[DONE]"]
        if not data and stream.strip() and not self._cut:
            raise AttemptFailed("malformed", f"no event in a body of type {_printable(content_type)}")
        # What is JSON only when joined is none: a line end stands in no JSON string, and the count must be right.
        events = _parsed(b"[" + b",\n".join(data) + b"]")
        if not (isinstance(events, list) and len(events) == len(data)):
            raise AttemptFailed("malformed", "an event is not JSON")
        if not all(isinstance(event, dict) for event in events):
            raise AttemptFailed("malformed", "an event is not a JSON object")
        return events

    def served(self, events: list[Event]) -> Served:
        """Returns what the whole stream says. One that was cut after all that matters is whole.

        Raises:
            AttemptFailed: what cut it, or what the dialect found.
        """
        try:
            return _shaped(lambda: self._dialect.answer(events))
        except AttemptFailed as failed:
            if self._cut and failed.reason == "truncated":
                raise self._cut from None
            raise

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


class Plain:
    """What was read of a plain answer, which is one JSON object."""

    first_token = None

    def __init__(self, dialect: Dialect, is_revoked: Callable[[], bool]) -> None:
        self._dialect, self._is_revoked = dialect, is_revoked
        self._body = bytearray()

    def read(self, response: Response) -> None:
        """Reads it to its end.

        Raises:
            AttemptFailed: `revoked`, `malformed`, or what cut it.
        """
        response.read(self._came)

    def events(self, content_type: str | None) -> list[Event]:
        """Returns the one object that it is.

        Raises:
            AttemptFailed: `malformed`, it is none.
        """
        body = _parsed(bytes(self._body))
        if not isinstance(body, dict):
            raise AttemptFailed("malformed", f"no JSON object in a body of type {_printable(content_type)}")
        return [body]

    def served(self, events: list[Event]) -> Served:
        """Returns what it says.

        Raises:
            AttemptFailed: what the dialect found.
        """
        return _shaped(lambda: self._dialect.plain(events[0]))

    def _came(self, chunk: bytes) -> None:
        if self._is_revoked():
            raise AttemptFailed("revoked")
        self._body += chunk
        if len(self._body) > MOST:
            raise AttemptFailed("malformed", f"the answer is longer than {MOST} bytes")


def _parsed(text: bytes) -> Any:
    try:
        # By default it keeps the last 16,384 short strings of all answers: a megabyte or two, and text of others.
        return from_json(text, cache_strings="keys")
    except ValueError:
        pass  # it is strict about depth and lone surrogates, but a fifth faster
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # raising here would chain an exception that holds the answer


def _shaped(answer: Callable[[], Served]) -> Served:
    try:
        return answer()
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        # Checking the shape of every event first would cost more than all the rest of reading it.
        pass  # raising here would chain an exception that holds the answer
    raise AttemptFailed("malformed", "an event has not the shape that was agreed on")


def _printable(content_type: str | None) -> str:
    return ascii(content_type[:64]) if content_type else "none"
