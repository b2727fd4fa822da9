"""A provider that remembers each call, by the completion that it was made for and the worker that made it.

As a module it is the server, in a process of its own: OpenAI's plain answers over bare asyncio, each with an id of its
own. `GET /seen/<epoch>` is what reached it since then; every other GET is a probe.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any, Self

from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import http_answers

KEY = "CHAOS_WORKER"
"""The variable with a worker's API key, by which the provider knows it: a name of its own at each start."""

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CALLER = re.compile(rb"authorization: *bearer +(\S+)", re.IGNORECASE)
_COMPLETION = re.compile(rb"completion ([0-9a-f-]+)\.")
_ANSWER = {
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "bare",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Nobody."}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22},
}


def prompt(completion: str) -> str:
    """Returns what to ask, so that the provider knows for which completion it was asked."""
    return f"This is completion {completion}. Who was asked twice?"


@dataclass
class Call:
    """A request that reached the provider, and when, and when its answer left; epochs. A probe has no completion."""

    path: str
    caller: str
    completion: str
    at: float
    answered: float | None = None


@dataclass(frozen=True)
class Provider:
    """The running one; `url` is its address without a path."""

    url: str
    process: Process

    @classmethod
    def start(cls, fleet: Fleet, *, delay: float, capacity: int) -> Self:
        """Starts it; it answers within half to one and a half of `delay` seconds, and ends with the fleet.

        More than `capacity` calls at once are too many, and get a 529.

        Raises:
            FleetError: it did not come up.
        """
        port = free_port()
        options = ("--port", str(port), "--delay", str(delay), "--capacity", str(capacity))
        command = [sys.executable, "-m", __name__, *options]
        process = fleet.start("provider", command, ready=http_answers(port, f"/seen/{time.time()}"), cwd=ROOT)
        return cls(f"http://127.0.0.1:{port}", process)

    def calls(self, since: float = 0.0) -> list[Call]:
        """Returns the calls for completions from an epoch on, the earliest first."""
        return [call for call in self._seen(since) if call.completion]

    def probes(self) -> list[Call]:
        """Returns the others."""
        return [call for call in self._seen(0.0) if not call.completion]

    def _seen(self, since: float) -> list[Call]:
        with urllib.request.urlopen(f"{self.url}/seen/{since}") as response:
            return [Call(**call) for call in json.load(response)]


class _Server:
    def __init__(self, delay: float, capacity: int) -> None:
        self._delay = delay
        self._room = asyncio.Semaphore(capacity)
        self._calls: list[Call] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(_response(await self._answer(head, body)))
        except (asyncio.IncompleteReadError, ConnectionError):  # the worker has gone
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/seen/"):
            since = float(path.removeprefix("/seen/"))
            return json.dumps([asdict(call) for call in self._calls if call.at >= since]).encode()
        call = Call(path, _first(_CALLER, head), _first(_COMPLETION, body), time.time())
        self._calls.append(call)
        if not body:
            return b'{"object":"list","data":[]}'
        if self._room.locked():
            return b""
        answer = {**_ANSWER, "id": f"call-{len(self._calls)}"}
        async with self._room:
            await asyncio.sleep(self._delay * random.uniform(0.5, 1.5))  # else all workers would fall into step
        call.answered = time.time()
        return json.dumps(answer).encode()


def _first(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    return found[1].decode() if found else ""


def _response(body: bytes) -> bytes:
    status = b"200 OK" if body else b"529 Overloaded"
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


async def _serve(port: int, server: _Server) -> None:
    listening: Any = await asyncio.start_server(server.serve, "127.0.0.1", port, backlog=1024)
    await listening.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves until it is ended.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True)
    parser.add_argument("--capacity", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(_serve(given.port, _Server(given.delay, given.capacity)))
