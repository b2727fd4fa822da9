"""Connections that check an attempt's limits before each read and write."""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from worker.providers.http.time_limits import Limits

WAKE_EVERY = 0.5
"""Seconds after which a silent read asks whether it is still wanted."""


def nothing() -> None:
    """Does nothing."""


class _Timed(httpcore.NetworkStream):
    """A connection that checks the limits before each read and write.

    httpx's own timeouts apply to each read separately, so a provider that sends pings would never time out.
    """

    def __init__(self, stream: httpcore.NetworkStream, backend: "TimedBackend") -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._backend.about_to_wait()
        while (left := self._backend.left()) > WAKE_EVERY:
            try:
                return self._stream.read(max_bytes, WAKE_EVERY)
            except httpcore.ReadTimeout:
                self._backend.check_wanted()
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.left())
        return _Timed(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Opens such connections for one thread.

    Attributes:
        limits: the limits of the current request.
        about_to_wait: called before each read.
        check_wanted: called while a read is silent; raises to end it.
    """

    limits: Limits
    about_to_wait: Callable[[], None]
    check_wanted: Callable[[], None]

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
