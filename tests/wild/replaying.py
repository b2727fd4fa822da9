"""Two hosts: one sends what an entry of the corpus has, byte by byte; the other answers, on every wire."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.wild.corpus import Answered, Failure
from tests.worker.providers.wires import Saying, anthropic_plain, anthropic_stream, openai_plain, openai_stream

ANSWER = Saying(text="Because of Rayleigh scattering.")

Respond = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request to a host. Its path begins with the name of what is to be sent."""

    protocol_version = "HTTP/1.1"
    respond: Respond

    def do_POST(self) -> None:
        self.sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.respond()

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Sends a whole response with its length."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


class Host(ThreadingHTTPServer):
    """A host; `calls` counts its requests by the beginning of their path."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), type("Responding", (Request,), {"respond": respond}))
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.calls: Counter[str] = Counter()


@contextmanager
def replaying(entries: Mapping[str, Failure | Answered]) -> Iterator[Host]:
    """Gives a host that sends the entry that a path begins with."""

    def respond(request: Request) -> None:
        name = request.path.split("/")[1]
        host.calls[name] += 1
        entry = entries[name]
        headers = {"content-type": entry.content_type} | {name.lower(): value for name, value in entry.headers.items()}
        request.send(entry.status, headers, entry.body.encode())

    with _serving(Host(respond)) as host:
        yield host


@contextmanager
def answering() -> Iterator[Host]:
    """Gives a host that answers every request in its own wire."""

    def respond(request: Request) -> None:
        is_streamed, is_anthropic = json.loads(request.sent)["stream"], request.path.endswith("/messages")
        write = (
            (anthropic_stream if is_anthropic else openai_stream)
            if is_streamed
            else (anthropic_plain if is_anthropic else openai_plain)
        )
        kind = "text/event-stream" if is_streamed else "application/json"
        request.send(200, {"content-type": kind}, write(ANSWER))

    with _serving(Host(respond)) as host:
        yield host


@contextmanager
def _serving(host: Host) -> Iterator[Host]:
    thread = Thread(target=host.serve_forever)
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        thread.join()
        host.server_close()
