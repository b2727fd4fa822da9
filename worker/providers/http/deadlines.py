"""Connections that check an attempt's limits before each read and write, and read in pauses while tokens flow."""

import os
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
        self._unsent: list[bytes] = []
        self._gap = 0.0
        self._is_drained = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            with suppress(httpcore.WriteError):  # as httpcore does: a server may answer before it has read everything
                self._send()
        while True:
            self._backend.about_to_wait()
            read = self._read(max_bytes)
            if not read or (read := self._chunks.take(read)):
                return read

    def _read(self, max_bytes: int) -> bytes:
        pause = self._backend.limits.pause()
        if pause > PAYS * self._gap:
            if came := self._collect(max_bytes, pause):
                return came
        else:
            pause = 0.0
        started = time.monotonic()
        read = self._wait(max_bytes, WAKE_EVERY - pause)
        self._gap = time.monotonic() - started + pause
        return read

    def _collect(self, max_bytes: int, pause: float) -> bytes:
        """Returns what is there, or what has come after the pause; nothing if nothing has."""
        # What a pause has collected was all there was: little can have come since.
        if not self._is_drained and (came := self._available(max_bytes)):
            return came
        time.sleep(pause)
        came = self._available(max_bytes)  # before the limit is judged: it came in time
        self._is_drained = 0 < len(came) < max_bytes
        return came

    def _wait(self, max_bytes: int, wake: float) -> bytes:
        """Returns the next bytes; after `wake` seconds, then twice a second, asks whether they are still wanted."""
        silent_since = time.monotonic() - (WAKE_EVERY - wake)
        while (left := self._backend.left()) > wake:
            try:
                return self._stream.read(max_bytes, wake)
            except httpcore.ReadTimeout:
                self._backend.check_wanted(time.monotonic() - silent_since)
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
        # Nothing is there, or the connection broke: the next read finds its end.
        with suppress(httpcore.ReadError, OSError):
            if self._is_secured:
                return self._stream.read(max_bytes, 0.0)
            # A third of the time: a socket with a time-out does not block, and this one has had one since it connected.
            return os.read(self._stream.get_extra_info("socket").fileno(), max_bytes)
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keeps the bytes for the next read: httpcore writes a request's head and its body one by one."""
        self._unsent.append(buffer)

    def _send(self) -> None:
        unsent, self._unsent = b"".join(self._unsent), []
        self._chunks.begin(self._backend.body)
        self._stream.write(unsent, self._backend.left())

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
        body: what has come of the response's body in chunks, and was not taken yet.
        about_to_wait: called before each read.
        check_wanted: called while a read is silent, with the seconds for which nothing came; raises to end it.
    """

    limits: Limits
    body: list[bytes]
    about_to_wait: Callable[[], None]
    check_wanted: Callable[[float], None]

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self.about_to_wait = self.check_wanted = nothing
        self.body = []

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
