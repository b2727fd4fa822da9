"""A provider of every dialect that answers whatever it is asked, and notes what is no JSON."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NoReturn

from tests.end_to_end.failing_server import anthropic, openai

_MESSAGES = b"".join(anthropic("m", "Served.", 1, 1))
_CHAT = b"".join(openai("m", "Served.", 1, 1))


class Upstream(ThreadingHTTPServer):
    """The server; `wrong` holds the bodies that were no JSON, `asked` counts completions."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked = 0
        self.wrong: list[bytes] = []

    @property
    def environment(self) -> dict[str, str]:
        """Returns what makes workers use it as all three providers."""
        keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LLAMA_CPP_API_KEY"), "simulated")
        places = {"ANTHROPIC_BASE_URL": self.url, "OPENAI_BASE_URL": f"{self.url}/v1", "LLAMA_CPP_BASE_URL": self.url}
        return keys | places


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        try:
            json.loads(body.decode(), parse_constant=_no_constant)
        except ValueError:
            self.server.wrong.append(body)
        self._say(200, _MESSAGES if self.path.endswith("/messages") else _CHAT)

    def do_GET(self) -> None:
        self._say(404, b"{}")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


@contextmanager
def answering() -> Iterator[Upstream]:
    """Gives the server until the block ends."""
    with Upstream() as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        yield upstream
        upstream.shutdown()
