"""Connections that check an attempt's limits before each read and write, and read in pauses while tokens flow."""

import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpcore

from worker.providers.http.chunks import Chunks
from worker.providers.http.time_limits import Limits

WAKE_EVERY = 0.5
"""Seconds after which a silent read asks whether it is still wanted."""

PAYS = 1.5
"""How many times as long as the last wait a pause must be: tokens that come further apart are not collected by it."""


def nothing(*_: float) -> None:
    """Does nothing."""


class _Timed(httpcore.NetworkStream):
    """A connection that checks the limits before each read and write.

    httpx's own timeouts apply to each read separately, so a provider that sends pings would never time out.
    """

    def __init__(self, stream: httpcore.NetworkStream, backend: "TimedBackend", *, is_secured: bool = False) -> None:
        self._stream = stream
        self._backend = backend
        self._is_secured = is_secured
        self._chunks = Chunks()
        self._gap = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._backend.about_to_wait()
        while read := self._read(max_bytes):
            if joined := self._chunks.join(read):
                return joined
        return b""

    def _read(self, max_bytes: int) -> bytes:
        started, wake = time.monotonic(), WAKE_EVERY
        pause = self._backend.limits.pause()
        if pause > PAYS * self._gap:
            if came := self._available(max_bytes):
                return came
            time.sleep(pause)
            if came := self._available(max_bytes):  # before the limit is judged: it came in time
                return came
            wake -= pause
        read = self._wait(max_bytes, wake)
        self._gap = time.monotonic() - started
        return read

    def _wait(self, max_bytes: int, wake: float) -> bytes:
        """Returns the next bytes; after `wake` seconds, then twice a second, asks whether they are still wanted."""
        while (left := self._backend.left()) > wake:
            try:
                return self._stream.read(max_bytes, wake)
            except httpcore.ReadTimeout:
                self._backend.check_wanted(WAKE_EVERY)
                wake = WAKE_EVERY
        return self._stream.read(max_bytes, left)

    def _available(self, max_bytes: int) -> bytes:
        """Returns what has come; nothing also at the end of the connection, or where it broke."""
        came = self._read_now(max_bytes)
        # TLS returns a record at a time, and keeps further ones where poll() does not see them.
        while self._is_secured and 0 < len(came) < max_bytes and (more := self._read_now(max_bytes)):
            came += more
        return came

    def _read_now(self, max_bytes: int) -> bytes:
        with suppress(httpcore.ReadError):  # nothing is there; a connection that broke shows at the next read
            return self._stream.read(max_bytes, 0.0)
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._chunks.begin()
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.left())
        return _Timed(secured, self._backend, is_secured=True)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Opens such connections for one thread.

    Attributes:
        limits: the limits of the current request.
        about_to_wait: called before each read.
        check_wanted: called while a read is silent, with the seconds for which nothing came; raises to end it.
    """

    limits: Limits
    about_to_wait: Callable[[], None]
    check_wanted: Callable[[float], None]

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self.about_to_wait = self.check_wanted = nothing

    def left(self) -> float:
        """Returns the remaining seconds, more than 0.

        Raises:
            httpcore.TimeoutException: none remain.
        """
        try:
            return self.limits.left()
        except TimeoutError as exc:
            raise httpcore.TimeoutException from exc

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Returns a connection that was opened within the remaining time."""
        stream = self._backend.connect_tcp(host, port, self.left(), local_address, socket_options)
        return _Timed(stream, self)
