"""Streams whose tokens come apart, and a count of the reads that they took."""

import socket
from collections.abc import Iterable

from tests.worker.providers.asking import OPENAI_USAGE, openai_chunk
from tests.worker.providers.bare_server import END, HEAD, Bare, Talk, chunk
from worker.providers.http.deadlines import WAKE_EVERY

TOKENS = [f"{number} " for number in range(300)]


class Reads:
    """Counts the reads that brought something, and keeps the silences: each asks whether the answer is still wanted."""

    def __init__(self) -> None:
        self.count = 0
        self.silences: list[float] = []

    def check_wanted(self, silence: float) -> None:
        if silence >= WAKE_EVERY:
            self.silences.append(silence)
        else:
            self.count += 1


def paced(interval: float, parts: Iterable[bytes]) -> Talk:
    """Sends these parts, so many seconds apart."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        for part in parts:
            sock.sendall(part)
            bare.stop.wait(interval)
        return True

    return talk


def flowing() -> Talk:
    """Sends a whole stream of `TOKENS`, 5 ms apart."""
    end = [openai_chunk(None, "stop"), OPENAI_USAGE, b"data: [DONE]\n\n"]
    tokens = [chunk(openai_chunk(token)) for token in TOKENS]
    return paced(0.005, [HEAD + chunk(openai_chunk("")), *tokens, b"".join(map(chunk, end)) + END])
