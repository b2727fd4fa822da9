"""A network to break: a TCP proxy in front of a server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import cast


class Proxy(ThreadingTCPServer):
    """New connections go to the server on `port`, until another one is set."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port = port
        self.losses = 0

    @property
    def url(self) -> str:
        """Returns the URL of the Redis behind it."""
        return f"redis://127.0.0.1:{self.server_address[1]}/0"

    def lose_answers(self) -> None:
        """Loses whatever is still answered on the connections that stand; those to come are not affected."""
        self.losses += 1


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        proxy = cast("Proxy", self.server)
        with suppress(OSError), socket.create_connection(("127.0.0.1", proxy.port)) as server:
            threading.Thread(target=self._answer, args=(server, proxy, proxy.losses), daemon=True).start()
            while data := self.request.recv(65_536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, server: socket.socket, proxy: Proxy, losses: int) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if proxy.losses == losses:
                    self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """Gives a proxy in front of the server on this port."""
    with Proxy(port) as proxy, serving(proxy):
        yield proxy


@contextmanager
def serving(server: ThreadingTCPServer) -> Iterator[None]:
    """Serves in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
