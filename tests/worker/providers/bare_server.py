"""A real socket server for what no simulated provider can do: bytes cut, drip-fed, held back."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

Talk = Callable[["Bare", socket.socket], bool]
"""Answers one request; returns whether the connection stays open."""


class Bare:
    """What is known of the server while it runs; `stop` is set at its end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[bytes] = []
        self.connections = 0
        self.stop = threading.Event()


@contextmanager
def serving(*talks: Talk) -> Iterator[Bare]:
    """Gives a server that answers its n-th request with the n-th talk, and every later one with the last."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bare = Bare(listener.getsockname()[1])
        listener.settimeout(0.01)  # what each test may wait for its end
        threads = [threading.Thread(target=_accept, args=(bare, listener, talks))]
        threads[0].start()
        try:
            yield bare
        finally:
            bare.stop.set()
            threads[0].join()


def _accept(bare: Bare, listener: socket.socket, talks: tuple[Talk, ...]) -> None:
    threads = []
    while not bare.stop.is_set():
        with suppress(TimeoutError):
            sock, _ = listener.accept()
            bare.connections += 1
            threads.append(threading.Thread(target=_talk, args=(bare, sock, talks)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _talk(bare: Bare, sock: socket.socket, talks: tuple[Talk, ...]) -> None:
    sock.settimeout(0.05)
    with sock, suppress(OSError):
        while request := received(bare, sock):
            bare.requests.append(request)
            talk = talks[min(len(bare.requests), len(talks)) - 1]
            if not talk(bare, sock):
                return


def received(bare: Bare, sock: socket.socket) -> bytes:
    """Returns the next request, nothing if there is none."""
    data = b""
    while not _whole(data):
        try:
            more = sock.recv(65536)
        except TimeoutError:
            if bare.stop.is_set():
                return b""
            continue
        if not more:
            return b""
        data += more
    return data


def _whole(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(found) and len(body) >= int(lengths[0] if lengths else 0)


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def sends(*parts: bytes, keep: bool = True) -> Talk:
    """Sends these bytes, then keeps or closes the connection."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        for part in parts:
            sock.sendall(part)
        return keep

    return talk


def streams(*bodies: bytes) -> Talk:
    """Sends a whole event stream, one chunk for each of these."""
    return sends(HEAD + b"".join(map(chunk, bodies)) + END)


def stalls(*parts: bytes) -> Talk:
    """Sends these bytes and then nothing more."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        sends(*parts)(bare, sock)
        bare.stop.wait()
        return False

    return talk


def repeats(first: bytes, again: bytes) -> Talk:
    """Sends `first`, then `again` for ever."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        sock.sendall(first)
        while not bare.stop.wait(0.01):
            sock.sendall(again)
        return False

    return talk


def responds(status: bytes, body: bytes, *headers: bytes) -> Talk:
    """Sends a response with a length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return sends(b"\r\n".join([*lines, b"", body]))
