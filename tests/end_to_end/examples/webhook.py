"""An HTTP server that takes what is posted to it: a webhook's other end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Answers with `status` and keeps, as `posted`, the status and the body of every call."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.status = 204
        self.posted: list[tuple[int, dict[str, Any]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook"

    def accepted(self) -> list[tuple[str, str]]:
        """Returns type and provider of the events that were answered with success, in order."""
        events = [body["event"] for status, body in self.posted if status < 300]
        return [(event["type"], event["provider"]) for event in events]


class _Call(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.status
        self.send_response(status)
        self.end_headers()
        self.server.posted.append((status, body))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Webhook]:
    """Serves until the block ends."""
    with Webhook() as webhook:
        thread = threading.Thread(target=webhook.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield webhook
        webhook.shutdown()
        thread.join(10)
