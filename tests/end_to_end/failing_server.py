"""A provider on a bare socket, scripted between requests: faults that LLMock does not have, and usage to the token."""

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.worker.providers.asking import anthropic_event, anthropic_stop, anthropic_text, data
from tests.worker.providers.bare_server import Bare, Talk, serving


class FailingServer:
    """The server while it runs; `requests` holds all that reached it."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self._talks: list[Talk] = []
        self._lock = threading.Lock()

    def script(self, *talks: Talk) -> None:
        """Sets what the requests to come are answered with: one each, and the last one for ever."""
        with self._lock:
            self._talks = list(talks)

    def answer(self, bare: Bare, sock: socket.socket) -> bool:
        """Answers the request that has just come."""
        with self._lock:
            talk = self._talks.pop(0) if len(self._talks) > 1 else self._talks[0]
        return talk(bare, sock)


@contextmanager
def failing() -> Iterator[FailingServer]:
    """Gives a server that is still to be scripted."""
    server = FailingServer()
    with serving(server.answer) as bare:
        server.url, server.requests = bare.url, bare.requests
        yield server


def resets(bare: Bare, sock: socket.socket) -> bool:
    """Resets the connection in place of an answer."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def closing(closed: list[float], *said: bytes) -> Talk:
    """Sends these bytes, then waits until its client closes the connection, and notes when (`time.monotonic`)."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        for part in said:
            sock.sendall(part)
        while not bare.stop.is_set():
            with suppress(TimeoutError):
                sock.recv(1)
                closed.append(time.monotonic())
                return False
        return False

    return talk


def anthropic(model: str, text: str, prompt: int, completion: int) -> list[bytes]:
    """Returns the events of an answer of Anthropic's; the last one is its end mark."""
    message = {"id": "msg_1", "model": model, "usage": {"input_tokens": prompt, "output_tokens": 1}}
    delta = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": completion}}
    return [
        anthropic_event({"type": "message_start", "message": message}),
        anthropic_event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        *map(anthropic_text, _words(text)),
        anthropic_event({"type": "content_block_stop", "index": 0}),
        anthropic_event({"type": "message_delta", **delta}),
        anthropic_event({"type": "message_stop"}),
    ]


def refusal(model: str, category: str) -> list[bytes]:
    """Returns the events of Anthropic's refusal, which names its category."""
    start = anthropic("model", "", 1, 1)[0]
    return [start, anthropic_stop("refusal", stop_details={"type": "refusal", "category": category})]


def openai(model: str, text: str, prompt: int, completion: int) -> list[bytes]:
    """Returns the chunks of an answer of OpenAI's; the last one is its end mark.

    The usage comes with every chunk, as some servers send it: a stream that is cut has sent it.
    """
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}

    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return data({"id": "chatcmpl-1", "model": model, "choices": choices, "usage": usage})

    return [*(chunk({"content": word}) for word in _words(text)), chunk({}, "stop"), b"data: [DONE]\n\n"]


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
