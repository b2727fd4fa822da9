"""A provider that fails on command: OpenAI's plain answers over bare asyncio, in a process of its own.

Every POST is a call. `PUT /manner` says how calls fare from now on, and answers how things stood at that moment; every
GET answers how they stand.
"""

import argparse
import asyncio
import json
import random
import re
import socket
import struct
import time
from dataclasses import asdict, dataclass
from typing import Literal

from bench.kit.wires import OPENAI

_TOKENS = 20
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_RESET = struct.pack("ii", 1, 0)
"""As SO_LINGER: closing sends RST, and drops what was not sent."""


@dataclass(frozen=True)
class Manner:
    """How a call that arrives from now on fares, after half to one and a half of `delay` seconds.

    `alive`: it is answered. `failing`: it gets a 500. `resetting`: its connection is reset, and in the moment of
    turning every one that is open, whose calls under way are cut. Else those end as they would have.

    Of a `failing` one's calls, `share` fail; the others are answered.
    """

    kind: Literal["alive", "failing", "resetting"] = "alive"
    delay: float = 0.2
    share: float = 1.0


@dataclass(frozen=True)
class State:
    """How it stands: `at` is monotonic, `epoch` the same moment; `arrivals` are the calls since it last turned."""

    at: float
    epoch: float
    under_way: int
    arrivals: tuple[float, ...]


def _response(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_ANSWER = _response(b"200 OK", OPENAI.plain(_TOKENS))
_FAILURE = _response(b"500 Internal Server Error", b'{"error":{"message":"it is down","type":"server_error"}}')


class _Provider:
    def __init__(self) -> None:
        self._manner = Manner()
        self._arrivals: list[float] = []
        self._under_way: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                await self._answer(head, await reader.readexactly(int(length[1]) if length else 0), writer)
        except (asyncio.IncompleteReadError, ConnectionError):  # either side has closed it
            writer.close()
        finally:
            self._open.discard(writer)

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"POST"):
            await self._call(writer)
            return
        state = json.dumps(asdict(self._state())).encode()
        if head.startswith(b"PUT"):
            self._turn(Manner(**json.loads(body)), writer)
        writer.write(_response(b"200 OK", state))

    def _state(self) -> State:
        return State(time.monotonic(), time.time(), len(self._under_way), tuple(self._arrivals))

    def _turn(self, manner: Manner, asker: asyncio.StreamWriter) -> None:
        self._manner = manner
        self._arrivals.clear()
        if manner.kind == "resetting":
            for writer in self._open - {asker}:
                _reset(writer)

    async def _call(self, writer: asyncio.StreamWriter) -> None:
        self._arrivals.append(time.monotonic())
        manner = self._manner
        self._under_way.add(writer)
        await asyncio.sleep(manner.delay * random.uniform(0.5, 1.5))  # else all callers would fall into step
        self._under_way.discard(writer)
        if writer.is_closing():
            return
        if manner.kind == "resetting":
            _reset(writer)
        else:
            is_failed = manner.kind == "failing" and random.random() < manner.share
            writer.write(_FAILURE if is_failed else _ANSWER)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_Provider().serve, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves until it is ended.")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
