"""Sends one HTTP request to a provider, and reads what comes back within an attempt's limits."""

import email.utils
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, cast

import httpx

from worker.errors import AttemptFailed
from worker.limits import Limits
from worker.timed import TimedBackend, nothing

KEPT = 4.0
"""Seconds that an idle connection is kept: common servers (uvicorn, Node, llama.cpp) close theirs after 5."""

_HEADERS = {"User-Agent": "fallback-workers", "Accept": "*/*", "Accept-Encoding": "identity"}


class _Client(threading.local):
    """This thread's client: one pool with many connections in flight costs httpx 16 ms of CPU a request."""

    def __init__(self) -> None:
        self.backend = TimedBackend()
        self.http = httpx.Client(
            verify=_tls(),
            timeout=None,  # noqa: S113 - the backend's limits hold
            limits=httpx.Limits(keepalive_expiry=KEPT),
        )
        # httpx has no way to hand httpcore a network backend. The mounts are the proxies of the environment.
        for transport in (self.http._transport, *self.http._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self.backend


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


_client = _Client()


class _Enough(Exception):
    """As much of a body as is wanted has come."""


class Response:
    """A response whose status and headers have come."""

    def __init__(self, response: httpx.Response, backend: TimedBackend) -> None:
        self.status = response.status_code
        self._response = response
        self._backend = backend

    def header(self, name: str) -> str | None:
        """Returns a header's value; `name` in any case."""
        value: str | None = self._response.headers.get(name)
        return value

    def read(self, came: Callable[[bytes], None]) -> None:
        """Reads the body to its end, giving `came` what has come, each time before more is waited for.

        Servers send a chunk per token; those that have come together cost one call.

        Raises:
            AttemptFailed: a limit passed, or the body was cut; `came` has what came before.
        """
        pieces: list[bytes] = []

        def give() -> None:
            if pieces:
                whole = b"".join(pieces)
                pieces.clear()
                came(whole)

        self._backend.about_to_wait = give
        try:
            with _translated(self._backend.limits, answering=True):
                pieces.extend(cast("httpx.SyncByteStream", self._response.stream))
        finally:
            self._backend.about_to_wait = nothing
            give()

    def head(self, size: int) -> bytes:
        """Returns the first `size` bytes of the body, less if it is shorter or was cut."""
        body = bytearray()

        def came(piece: bytes) -> None:
            body.extend(piece)
            if len(body) >= size:
                raise _Enough

        # An error's status has come; what is left of its text is worth no other failure.
        with suppress(AttemptFailed, _Enough):
            self.read(came)
        return bytes(body[:size])

    def retry_after(self) -> float | None:
        """Returns the seconds that the provider asks to wait, None where it names none that can be read."""
        return retry_after(self._response.headers)


@contextmanager
def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits) -> Iterator[Response]:
    """Gives the response to one request.

    No redirect is followed: it would carry the key elsewhere. A request is never sent twice: whether a provider that
    closes the connection has begun to answer cannot be known, and no provider takes an idempotency key.

    Raises:
        AttemptFailed: no response came; see `AttemptFailed.reason`.
    """
    client = _client
    client.backend.limits = limits
    extensions = {"trace": lambda event, info: _moved(event, info, limits)}
    request = httpx.Request(method, url, headers={**_HEADERS, **headers}, content=body, extensions=extensions)
    with _translated(limits):
        # The client itself would add redirects, cookies and authentication: a tenth of the price of a whole answer.
        response = client.http._transport_for_url(request.url).handle_request(request)
    try:
        yield Response(response, client.backend)
    finally:
        response.close()


def _moved(event: str, info: Mapping[str, Any], limits: Limits) -> None:
    if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
        limits.connected()


@contextmanager
def _translated(limits: Limits, *, answering: bool = False) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as exc:
        raise AttemptFailed(limits.reason) from exc
    except httpx.RemoteProtocolError as exc:
        if answering:
            raise AttemptFailed("truncated", "the connection closed in mid-answer") from exc
        if "disconnected" in str(exc):
            raise AttemptFailed("connection", "the connection closed before a response") from exc
        raise AttemptFailed("malformed", "not HTTP") from exc
    except httpx.TransportError as exc:
        raise AttemptFailed("connection", _why(exc)) from exc


def _why(exc: BaseException) -> str:
    """Returns the operating system's or the proxy's own words, which quote nothing that was sent."""
    cause = exc.__cause__
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return (isinstance(cause, OSError) and cause.strerror) or str(exc) or type(exc).__name__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds of `retry-after-ms` or `retry-after`, which is seconds or a date; None where unreadable."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    return seconds if seconds is not None else _until(value)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(value: str | None) -> float | None:
    try:
        at = email.utils.parsedate_to_datetime(value or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())
