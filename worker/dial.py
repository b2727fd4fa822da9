"""Opens sockets on which no step can take longer than an attempt's limits allow."""

import http.client
import socket
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from worker.limits import Limits

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Origin(NamedTuple):
    """The server that a URL names."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Returns host and port as they stand in a Host header or after CONNECT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Dialled(NamedTuple):
    """An open socket. `prefix` and `headers` are what a plain HTTP proxy wants before each path and in each request."""

    sock: "TimedSocket"
    prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class TimedSocket(socket.socket):
    """A socket that asks the limits before each system call.

    A timeout set once would hold for each read by itself, and a provider that pings would never be cut off.
    """

    limits: Limits

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = 0, flags: int = 0) -> int:
        """Reads, for at most the time that is left."""
        self.settimeout(self.limits.left())
        return super().recv_into(buffer, nbytes or 0, flags)

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Writes some, for at most the time that is left."""
        self.settimeout(self.limits.left())
        return super().send(data, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        """Writes all, for at most the time that is left."""
        self.settimeout(self.limits.left())
        super().sendall(data, flags)


class _TimedTLS(TimedSocket, ssl.SSLSocket):
    """The same over TLS: `SSLSocket` stands behind `super()` here."""


def dial(origin: Origin, limits: Limits) -> Dialled:
    """Returns an open connection to the origin, through the proxy that the environment names, if it names one.

    Looking a name up is bounded by the resolver's own time limit, not by ours.

    Raises:
        OSError: it cannot be reached; TimeoutError without an errno is the limits' doing.
    """
    proxy = _proxy(origin)
    if proxy is None:
        sock = _connected(origin.host, origin.port, limits)
        return Dialled(_secured(sock, origin) if origin.scheme == "https" else sock)
    if proxy.scheme != "http" or not proxy.hostname:
        raise OSError(f"a proxy of scheme {proxy.scheme!r} is not supported")
    sock, headers = _connected(proxy.hostname, proxy.port or 80, limits), _authorization(proxy)
    if origin.scheme == "http":
        return Dialled(sock, f"http://{origin.netloc}", headers)
    with _closed_on_failure(sock):
        _tunnel(sock, origin, headers)
    return Dialled(_secured(sock, origin))


def _connected(host: str, port: int, limits: Limits) -> TimedSocket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the name has no address")
    for left, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
        sock = TimedSocket(family, kind, protocol)
        sock.limits = limits
        try:
            with _closed_on_failure(sock):
                # One share of the time for each address: the first may be a black hole and the second good.
                sock.settimeout(limits.left() / left)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as exc:
            failure = exc
    raise failure


def _secured(sock: TimedSocket, origin: Origin) -> TimedSocket:
    limits = sock.limits
    with _closed_on_failure(sock):
        sock.settimeout(limits.left())
        secured = trust().wrap_socket(sock, server_hostname=origin.host)
    assert isinstance(secured, _TimedTLS)  # noqa: S101  the context makes no other; tells mypy
    secured.limits = limits
    return secured


@cache
def trust() -> ssl.SSLContext:
    """Returns this process's TLS context: the system's trusted roots, or those of SSL_CERT_FILE."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _TimedTLS
    return context


@contextmanager
def _closed_on_failure(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        sock.close()
        raise


def _proxy(origin: Origin) -> SplitResult | None:
    # The environment only: asking macOS for its system proxies is not safe in a forked process.
    proxies = urllib.request.getproxies_environment()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(origin.netloc):
        return None
    return urlsplit(url if "://" in url else f"http://{url}")


def _authorization(proxy: SplitResult) -> tuple[tuple[str, str], ...]:
    if proxy.username is None:
        return ()
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return (("Proxy-Authorization", f"Basic {b64encode(pair.encode()).decode()}"),)


def _tunnel(sock: TimedSocket, origin: Origin, headers: tuple[tuple[str, str], ...]) -> None:
    lines = [f"CONNECT {origin.netloc} HTTP/1.1", f"Host: {origin.netloc}", *(f"{k}: {v}" for k, v in headers)]
    sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    response = http.client.HTTPResponse(sock, method="CONNECT")
    response.begin()
    response.close()
    if response.status != 200:
        raise OSError(f"the proxy answered {response.status} to CONNECT")
