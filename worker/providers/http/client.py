"""Sends one HTTP request to a provider and reads the response, within an attempt's limits."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from typing import Any, cast

import httpx

from worker.errors import AttemptFailed
from worker.providers.http.deadlines import TimedBackend, nothing
from worker.providers.http.encoding import decoder
from worker.providers.http.retry_after import parse_exhausted, parse_remaining, parse_retry_after, parse_scarce
from worker.providers.http.time_limits import Limits
from worker.providers.remaining import RateLimit

KEPT = 4.0
"""Seconds that an idle connection is kept: common servers (uvicorn, Node, llama.cpp) close theirs after 5."""

_HEADERS = {"User-Agent": "fallback-workers", "Accept": "*/*", "Accept-Encoding": "identity"}


class _Client(threading.local):
    """The client of this thread: with one pool of many connections httpx needs 16 ms of CPU per request."""

    def __init__(self) -> None:
        self.backend = TimedBackend()
        self.http = httpx.Client(
            verify=_tls(),
            timeout=None,  # noqa: S113 - the backend's limits hold
            limits=httpx.Limits(keepalive_expiry=KEPT),
        )
        # httpx cannot pass a network backend to httpcore. The mounts are the proxies of the environment.
        for transport in (self.http._transport, *self.http._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self.backend


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)  # to parse it takes a tenth of all the CPU of a request


_client = _Client()


class _Enough(Exception):
    """The wanted part of a body was received."""


class Response:
    """A response whose status and headers were received."""

    def __init__(self, response: httpx.Response, backend: TimedBackend) -> None:
        self.status = response.status_code
        self._response = response
        self._backend = backend

    def header(self, name: str) -> str | None:
        """Returns a header's value; `name` in any case."""
        value: str | None = self._response.headers.get(name)
        return value

    def read(self, receive: Callable[[bytes], None]) -> None:
        """Reads the body to its end. Before each wait, calls `receive` with all new bytes.

        Servers send a chunk per token; chunks that arrive together cost one call.

        Raises:
            AttemptFailed: a limit passed, or the body was cut; `receive` has got all bytes before that.
        """
        pieces = self._backend.body
        decode = decoder(self.header("content-encoding"))

        def flush() -> None:
            if pieces:
                whole = b"".join(pieces)
                pieces.clear()
                receive(decode(whole) if decode else whole)

        self._backend.about_to_wait = flush
        try:
            with _translated(self._backend.limits, is_reading=True):
                pieces.extend(cast("httpx.SyncByteStream", self._response.stream))
        finally:
            self._backend.about_to_wait = nothing
            flush()

    def head(self, size: int) -> bytes:
        """Returns the first `size` bytes of the body, fewer if it is shorter or was cut."""
        body = bytearray()

        def receive(piece: bytes) -> None:
            body.extend(piece)
            if len(body) >= size:
                raise _Enough

        # The error's status is known; a failure to read its text must not replace it.
        with suppress(AttemptFailed, _Enough):
            self.read(receive)
        return bytes(body[:size])

    def retry_after(self) -> float | None:
        """Returns the seconds that the provider asks to wait, None if it names none that is readable."""
        return parse_retry_after(self._response.headers)

    def remaining(self) -> dict[str, RateLimit]:
        """Returns what the provider says remains of its rate limits."""
        return parse_remaining(self._response.headers)

    def exhausted_for(self) -> float:
        """Returns the seconds until the provider's rate limits are reset, 0 while something remains of each."""
        return parse_exhausted(self._response.headers)

    def scarce_for(self) -> float:
        """Returns the seconds until the rate limits are reset of which little remains, 0 while enough does."""
        return parse_scarce(self._response.headers)


@contextmanager
def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limits: Limits,
    check_wanted: Callable[[float], None] = nothing,
) -> Iterator[Response]:
    """Yields the response to one request. While it waits, it calls `check_wanted`, which may raise to end it.

    1. It follows no redirect, which would send the key elsewhere.
    2. It sends a request once. A provider that closes the connection may have begun to answer, and no provider accepts
       an idempotency key.

    Raises:
        AttemptFailed: no response came; see `AttemptFailed.reason`.
    """
    client = _client
    client.backend.limits, client.backend.check_wanted, client.backend.body = limits, check_wanted, []

    def on_trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            check_wanted(limits.age())
            limits.connected()

    extensions = {"trace": on_trace}
    request = httpx.Request(method, _url(url), headers={**_HEADERS, **headers}, content=body, extensions=extensions)
    with _translated(limits):
        # The client would add redirects, cookies and authentication: a tenth of the CPU of a whole answer.
        response = client.http._transport_for_url(request.url).handle_request(request)
    try:
        yield Response(response, client.backend)
    finally:
        response.close()


@contextmanager
def _translated(limits: Limits, *, is_reading: bool = False) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as exc:
        raise limits.exceeded() from exc
    except httpx.RemoteProtocolError as exc:
        if is_reading:
            raise AttemptFailed("truncated", "the connection closed in mid-answer") from exc
        if "disconnected" in str(exc):
            raise AttemptFailed("connection", "the connection closed before a response") from exc
        raise AttemptFailed("malformed", "not HTTP") from exc
    except httpx.TransportError as exc:
        raise AttemptFailed("connection", _cause(exc)) from exc


def _cause(exc: BaseException) -> str:
    """Returns the message of the operating system or the proxy, which quotes nothing that was sent."""
    cause = exc.__cause__
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return (isinstance(cause, OSError) and cause.strerror) or str(exc) or type(exc).__name__
