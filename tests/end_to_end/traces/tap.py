"""A forwarder before LLMock that keeps the trace context of each request, as its provider got it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Tap(ThreadingHTTPServer):
    """Forwards to `behind`; `heard` has the value of `traceparent` of each request, None without one."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.behind = httpx.Client(base_url=behind, trust_env=False, timeout=60)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.heard: list[str | None] = []


class _Request(BaseHTTPRequestHandler):
    server: Tap

    def do_POST(self) -> None:
        self.server.heard.append(self.headers.get("traceparent"))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        skipped = ("host", "connection", "content-length")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
        answer = self.server.behind.post(self.path, content=body, headers=headers)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def tapping(behind: str) -> Iterator[Tap]:
    """Serves until the block ends."""
    with Tap(behind) as tap:
        thread = threading.Thread(target=tap.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield tap
        tap.shutdown()
        thread.join(10)
