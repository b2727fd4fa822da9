"""A provider that costs next to nothing: OpenAI's chat stream over bare asyncio, without a framework.

Every POST gets the same stream: 300 events of one token, one with the finish reason, one with the usage, `[DONE]`.
Every GET gets an empty list of models. `PUT /pace` sets how the streams of all later requests come.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

TOKENS = 300
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
_MODELS = b'{"object":"list","data":[]}'


@dataclass(frozen=True)
class Pace:
    """How a stream comes: after `delay` seconds, in one of three ways.

    `block`: one write, the whole stream one chunk of HTTP's chunked coding. `chunks`: one write, a chunk for each
    event. `tokens`: a write and a chunk for each event, `interval` seconds apart.
    """

    delay: float = 0.0
    coding: Literal["block", "chunks", "tokens"] = "chunks"
    interval: float = 0.01


def _events() -> Iterator[bytes]:
    yield _event({"role": "assistant", "content": "", "refusal": None})
    for i in range(TOKENS):
        yield _event({"content": f" token{i}"})
    yield _event({}, finish="stop")
    counts = {"prompt_tokens": 20, "completion_tokens": TOKENS, "total_tokens": TOKENS + 20}
    yield _data(_chunk(choices=[], usage=counts))
    yield b"data: [DONE]\n\n"


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _data(_chunk(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], usage=None))


def _chunk(**rest: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-B0aRe5tUpstream", "object": "chat.completion.chunk", "created": 1_790_000_000}
    return {**head, "model": "bare", "service_tier": "default", "system_fingerprint": "fp_0123456789", **rest}


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


_EVENTS = list(_events())
_END = b"0\r\n\r\n"
_BLOCK = _STREAM + _chunked(b"".join(_EVENTS)) + _END
_CHUNKS = _STREAM + b"".join(map(_chunked, _EVENTS)) + _END


class Connection(asyncio.Protocol):
    """One client's connection, kept until the client closes it."""

    pace = Pace()

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers once a request is whole; nobody sends a second one before its answer."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            self._received = b""
            self._answer(head.partition(b" ")[0], body)

    def _answer(self, method: bytes, body: bytes) -> None:
        if method == b"POST":
            asyncio.get_running_loop().call_later(self.pace.delay, self._stream, self.pace)
            return
        if method == b"PUT":
            Connection.pace = Pace(**json.loads(body))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_MODELS)
        self._transport.write(head + _MODELS)

    def _stream(self, pace: Pace) -> None:
        if pace.coding == "tokens":
            self._transport.write(_STREAM)
            self._token(0, pace.interval)
        else:
            self._transport.write(_BLOCK if pace.coding == "block" else _CHUNKS)

    def _token(self, number: int, interval: float) -> None:
        if self._transport.is_closing():
            return
        last = number == len(_EVENTS) - 1
        self._transport.write(_chunked(_EVENTS[number]) + (_END if last else b""))
        if not last:
            asyncio.get_running_loop().call_later(interval, self._token, number + 1, interval)


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
    parser = argparse.ArgumentParser(description="Serves the stream until it is ended.")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
