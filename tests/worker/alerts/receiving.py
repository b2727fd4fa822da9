"""A receiver of alerts: a real HTTP server that verifies each message as Standard Webhooks' own package does."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
PATH = "/hook/path-secret-4471"


class Receiver(ThreadingHTTPServer):
    """Answers with `status` and `headers`; `taken` has the messages of its 2xx, `refused` how many got another answer.

    With `hangs` set it answers nothing until that is cleared.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Call)
        self.status, self.headers = 204, dict[str, str]()
        self.taken: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.connections: list[socket.socket] = []
        self.answers = threading.Event()
        self.answers.set()
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, *_: Any) -> None:
        """Says nothing of a connection that was cut."""

    def kill(self) -> None:
        """Ends at once, in the middle of what it does."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def types(self) -> list[tuple[str, str]]:
        """Returns type and subject of what was taken, in order."""
        return [(each["type"], each["data"]["subject"]) for each in self.taken]


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.wait()
        message = Webhook(SECRET).verify(body, dict(self.headers))
        status, id_ = self.server.status, self.headers["webhook-id"]
        if 200 <= status < 300:
            self.server.taken.append({**message, "id": id_})
        else:
            self.server.refused.append(id_)
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Serves until the block ends."""
    with Receiver(port) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.answers.set()
            receiver.shutdown()
            thread.join(10)
