# LEAD NOTE (2026-11-22 21:42): httpx is a given of this project and a library beats code of our own even when slower.
# Rewrite `send` over one httpx.Client per thread and provider (iter_raw) with the small httpcore network backend that
# your brief describes, keep the `send(...) -> Response` seam and worker/limits.py, and delete worker/dial.py. The CPU
# to beat is httpx's own iter_lines() + json.loads loop, which iter_raw + one split does. Remove this note when done.
"""Sends one HTTP request to a provider, and reads what comes back within an attempt's limits.

`http.client` and not httpx, for its price: reading a 300-token stream that comes at once costs 3.7 ms of CPU through
httpx's raw iterator, and asking for it, reading and understanding it 1.3 ms here; 24 and 12 ms if it comes token by
token. And a thread asks one provider at a time, so one connection per thread and origin is all the pool there is.
"""

import email.utils
import http.client
import math
import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from urllib.parse import urlsplit

from worker.chunked import Chunked
from worker.dial import Dialled, Origin, dial
from worker.errors import AttemptFailed
from worker.limits import Limits

KEPT = 4.0
"""Seconds that an idle connection is kept: common servers (uvicorn, Node, llama.cpp) close theirs after 5."""

_CHUNK = 16_384
_HEADERS = {"Accept": "*/*", "User-Agent": "fallback-workers"}


class _Idle(threading.local):
    """This thread's idle connections, with the instant until which each is kept."""

    def __init__(self) -> None:
        self.connections: dict[Origin, tuple[Dialled, float]] = {}


_idle = _Idle()
# A forked worker must not speak on its parent's sockets.
os.register_at_fork(after_in_child=lambda: _idle.connections.clear())


class Response:
    """A response whose status and headers have come."""

    def __init__(self, response: http.client.HTTPResponse, limits: Limits) -> None:
        self.status = response.status
        self._whole = False
        self._response = response
        self._limits = limits

    def header(self, name: str) -> str | None:
        """Returns a header's value; `name` in any case."""
        return self._response.headers.get(name)

    def chunks(self) -> Iterator[bytes]:
        """Yields the body's bytes as they come.

        Raises:
            AttemptFailed: a limit passed, or the body was cut.
        """
        with _translated(self._limits):
            if self._response.chunked:
                yield from self._chunks()
            else:
                while chunk := self._response.read1(_CHUNK):
                    yield chunk
                self._whole = True

    def _chunks(self) -> Iterator[bytes]:
        coding = Chunked()
        while coding.ended is None:
            coded = self._response.fp.read1(_CHUNK)
            if not coded:
                raise AttemptFailed("truncated", "the connection closed in mid-answer")
            if body := coding.feed(coded):
                yield body
        self._whole = coding.ended

    def head(self, size: int) -> bytes:
        """Returns at least the first `size` bytes of the body, less if it is shorter or was cut."""
        body = bytearray()
        try:
            for chunk in self.chunks():
                body += chunk
                if len(body) >= size:
                    break
        except AttemptFailed:
            pass  # an error's status has come; what is left of its text is worth no other failure
        return bytes(body)

    def close(self) -> bool:
        """Gives the response up; returns whether another request can use its connection."""
        self._response.close()
        return self._whole and not self._response.will_close

    def retry_after(self) -> float | None:
        """Returns the seconds that the provider asks to wait, None where it names none that can be read."""
        return retry_after(self.header)


@contextmanager
def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits) -> Iterator[Response]:
    """Gives the response to one request; its connection is kept if the body was read to its end.

    No redirect is followed: it would carry the key elsewhere. A request is never sent twice: whether a provider that
    closes the connection has begun to answer cannot be known, and no provider takes an idempotency key.

    Raises:
        AttemptFailed: no response came; see `AttemptFailed.reason`.
    """
    origin, path = _split(url)
    response = None
    with _translated(limits):
        dialled = _take(origin, limits) or dial(origin, limits)
    try:
        with _translated(limits):
            limits.connected()
            host = origin.netloc if origin.port not in (80, 443) else origin.netloc.rpartition(":")[0]
            whole_headers = {"Host": host, **_HEADERS, **headers, **dict(dialled.headers)}
            response = Response(_exchange(dialled, method, dialled.prefix + path, whole_headers, body), limits)
        yield response
    finally:
        if response and response.close():
            _idle.connections[origin] = (dialled, time.monotonic() + KEPT)
        else:
            dialled.sock.close()


def _exchange(
    dialled: Dialled, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("")
    connection.sock = dialled.sock
    # A server may refuse a request before it has read all of it; its answer then waits to be read.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, target, body, headers)
    return connection.getresponse()


def _take(origin: Origin, limits: Limits) -> Dialled | None:
    """Returns an idle connection that the server has not closed: one that is readable has, or speaks unasked."""
    dialled, until = _idle.connections.pop(origin, (None, 0.0))
    if dialled is None:
        return None
    readable = select.poll()
    readable.register(dialled.sock, select.POLLIN)
    if time.monotonic() > until or readable.poll(0):
        dialled.sock.close()
        return None
    dialled.sock.limits = limits
    return dialled


@contextmanager
def _translated(limits: Limits) -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        if exc.errno is None:
            raise AttemptFailed(limits.reason) from exc
        raise AttemptFailed("connection", str(exc.strerror)) from exc  # the kernel gave the peer up
    except OSError as exc:
        raise AttemptFailed("connection", exc.strerror or str(exc)) from exc
    except http.client.HTTPException as exc:
        raise AttemptFailed("malformed", f"not HTTP: {type(exc).__name__}") from exc
    except UnicodeError as exc:
        raise AttemptFailed("connection", "the base URL holds characters that cannot be sent") from exc


@lru_cache(maxsize=256)
def _split(url: str) -> tuple[Origin, str]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    query = f"?{parts.query}" if parts.query else ""
    return Origin(parts.scheme, parts.hostname or "", port), f"{parts.path or '/'}{query}"


def retry_after(header: Callable[[str], str | None]) -> float | None:
    """Returns the seconds of `retry-after-ms` or `retry-after`, which is seconds or a date; None where unreadable."""
    milliseconds = _number(header("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = header("retry-after")
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
