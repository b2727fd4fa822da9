"""Reads an answer, as a stream or plain, and parses it by its dialect when it is whole."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from worker.errors import AttemptFailed
from worker.providers.dialect import Dialect, Event, ParsedAnswer
from worker.providers.error_body import is_error
from worker.providers.http.client import Response
from worker.providers.http.sse import MOST, Events, payloads
from worker.providers.http.time_limits import Limits


class Stream:
    """A stream: its whole events, the instant of its first token, and the error that cut it, if any."""

    def __init__(
        self, dialect: Dialect, limits: Limits, on_first_token: Callable[[], None], is_revoked: Callable[[], bool]
    ) -> None:
        self._dialect, self._limits = dialect, limits
        self._on_first_token, self._is_revoked = on_first_token, is_revoked
        self._events = Events()
        self._first_token = 0.0
        self._cut: AttemptFailed | None = None

    def read(self, response: Response) -> None:
        """Reads the stream to its end, or to the point where it was cut.

        Raises:
            AttemptFailed: `revoked`, or `malformed`.
        """
        try:
            response.read(self._receive)
        except AttemptFailed as failed:
            if failed.reason in ("revoked", "malformed"):
                raise
            self._cut = failed

    @property
    def first_token(self) -> float:
        """Returns the monotonic instant of the first token, or now if there was none."""
        return self._first_token or time.monotonic()

    def events(self, content_type: str | None) -> list[Event]:
        """Returns the whole events, parsed at once, which takes a third of the time of parsing each.

        Raises:
            AttemptFailed: `malformed`, they are no JSON objects.
        """
        stream = self._events.gathered(ended=self._cut is None)
        data = [payload for payload in payloads(stream) if payload != b"[DONE]"]
        if not data and stream.strip() and not self._cut:
            return _error_without_stream(stream, content_type)
        # Data that is JSON only when joined is refused: a JSON string has no line end, and the count must match.
        events = _parsed(b"[" + b",\n".join(data) + b"]")
        if not (isinstance(events, list) and len(events) == len(data)):
            raise AttemptFailed("malformed", "an event is not JSON")
        if not all(isinstance(event, dict) or is_error(event) for event in events):
            raise AttemptFailed("malformed", "an event is not a JSON object")
        return events

    def parsed_answer(self, events: list[Event]) -> ParsedAnswer:
        """Returns the answer of the stream. A stream that was cut after the answer's end still counts as whole.

        Raises:
            AttemptFailed: the error that cut the stream, or one that the dialect found.
        """
        try:
            return _parsed_answer(lambda: self._dialect.answer(events))
        except AttemptFailed as failed:
            if self._cut and failed.reason == "truncated":
                raise self._cut from None
            raise

    def _receive(self, chunk: bytes) -> None:
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
    """A plain answer, which is one JSON object."""

    first_token = None

    def __init__(self, dialect: Dialect, limits: Limits, is_revoked: Callable[[], bool]) -> None:
        self._dialect, self._limits, self._is_revoked = dialect, limits, is_revoked
        self._body = bytearray()

    def read(self, response: Response) -> None:
        """Reads the body to its end.

        Raises:
            AttemptFailed: `revoked`, `malformed`, or the error that cut it.
        """
        self._limits.head()
        response.read(self._receive)

    def events(self, content_type: str | None) -> list[Event]:
        """Returns the object as a list of one event.

        Raises:
            AttemptFailed: `malformed`, the body is no JSON object.
        """
        body = _parsed(bytes(self._body))
        if not (isinstance(body, dict) or is_error(body)):
            raise AttemptFailed("malformed", f"no JSON object in a body of type {_printable(content_type)}")
        return [body]

    def parsed_answer(self, events: list[Event]) -> ParsedAnswer:
        """Returns the answer.

        Raises:
            AttemptFailed: an error that the dialect found.
        """
        return _parsed_answer(lambda: self._dialect.plain(events[0]))

    def _receive(self, chunk: bytes) -> None:
        if self._is_revoked():
            raise AttemptFailed("revoked")
        self._body += chunk
        if len(self._body) > MOST:
            raise AttemptFailed("malformed", f"the answer is longer than {MOST} bytes")


def _error_without_stream(body: bytes, content_type: str | None) -> list[Event]:
    """Returns the error that a body is in place of a stream.

    Raises:
        AttemptFailed: `malformed`, it is none.
    """
    error = _parsed(body)
    if not is_error(error):
        raise AttemptFailed("malformed", f"no event in a body of type {_printable(content_type)}")
    return [error]


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


def _parsed_answer(answer: Callable[[], ParsedAnswer]) -> ParsedAnswer:
    try:
        return answer()
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        # To check the shape of every event first would cost more than all other reading.
        pass  # raising here would chain an exception that holds the answer
    raise AttemptFailed("malformed", "an event has not the shape that was agreed on")


def _printable(content_type: str | None) -> str:
    return ascii(content_type[:64]) if content_type else "none"
