"""A provider that costs next to nothing: two vendors' wires over bare asyncio, without a framework.

Every POST gets the same answer, on Anthropic's path in Anthropic's words, else in OpenAI's: a stream where the body
asks for one, else plain. Every GET gets an empty list of models. `PUT /pace` sets how all later answers come.
"""

import argparse
import asyncio
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bench.kit.wires import ANTHROPIC, OPENAI, Wire

TOKENS = 300
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
_STREAM = _HEAD % b"text/event-stream; charset=utf-8" + b"Transfer-Encoding: chunked\r\n\r\n"
_JSON = _HEAD % b"application/json"
_MODELS = b'{"object":"list","data":[]}'
_END = b"0\r\n\r\n"
_WANTS_STREAM = re.compile(rb'"stream":\s*true')


@dataclass(frozen=True)
class Pace:
    """How an answer of so many tokens comes: after `delay` seconds, a stream in one of three ways.

    `block`: one write, the whole stream one chunk of HTTP's chunked coding. `chunks`: one write, a chunk for each
    event. `tokens`: a write and a chunk for each event, `interval` seconds apart.
    """

    delay: float = 0.0
    coding: Literal["block", "chunks", "tokens"] = "chunks"
    interval: float = 0.01
    tokens: int = TOKENS
    together: int = 1

    @property
    def writes(self) -> int:
        """Returns how many writes a stream in OpenAI's words takes."""
        return len(_writes(OPENAI, self))

    @property
    def lasts(self) -> float:
        """Returns the seconds from the request to a stream's end."""
        return self.delay + (self.writes - 1) * self.interval


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _whole(body: bytes) -> bytes:
    return _JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body


@cache
def _plain(wire: Wire, tokens: int) -> bytes:
    return _whole(wire.plain(tokens))


@cache
def _writes(wire: Wire, pace: Pace) -> list[bytes]:
    events = wire.stream(pace.tokens)
    chunks = [_chunked(b"".join(events))] if pace.coding == "block" else [_chunked(event) for event in events]
    together = pace.together if pace.coding == "tokens" else len(chunks)
    chunks = [_STREAM + chunks[0], *chunks[1:]]
    chunks[-1] += _END
    return [b"".join(chunks[start : start + together]) for start in range(0, len(chunks), together)]


class Connection(asyncio.Protocol):
    """One client's connection, kept until the client closes it."""

    pace = Pace()

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers once a request is whole; nobody sends a second one before its answer."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= _length(bytes(head)):
            self._received.clear()
            self._answer(bytes(head), bytes(body))

    def _answer(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            wire = ANTHROPIC if path.endswith(b"/messages") else OPENAI
            answer = self._stream if _WANTS_STREAM.search(body) else self._say
            due = asyncio.get_running_loop().time() + self.pace.delay
            asyncio.get_running_loop().call_at(due, answer, wire, self.pace, due)
            return
        if method == b"PUT":
            Connection.pace = Pace(**json.loads(body))
        self._transport.write(_whole(_MODELS))

    def _say(self, wire: Wire, pace: Pace, _due: float) -> None:
        self._transport.write(_plain(wire, pace.tokens))

    def _stream(self, wire: Wire, pace: Pace, due: float) -> None:
        self._write(_writes(wire, pace), 0, due, pace.interval)

    def _write(self, writes: list[bytes], number: int, due: float, interval: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(writes[number])
        if number < len(writes) - 1:
            # By the clock: the delays of 300 timers would add up to a percent or two of an answer's time.
            due += interval
            asyncio.get_running_loop().call_at(due, self._write, writes, number + 1, due, interval)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves its answers until it is ended.")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
