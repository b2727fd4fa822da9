"""A proxy before Redis that stops one worker for good between two commands about one task, or in the middle of one."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedIOBase
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Literal, cast

from redis import Redis

from tests.worker.store.proxy import serving

Side = Literal["before", "after"]


@dataclass
class Death:
    """How a worker dies: at the command number `step` about a task, counted from 1 once the provider has answered.

    `before` means that Redis never gets this command, `after` that it has executed it and the worker does not know.
    `first` runs before either. Both sides of the queue's delivery are about the task: its id and its tag.
    """

    task_id: str
    step: int
    side: Side
    pid: int
    first: Callable[[], None] = lambda: None
    steps: int = 0
    armed: bool = False
    died: threading.Event = field(default_factory=threading.Event)
    command: str = ""


class Interception(ThreadingTCPServer):
    """The proxy before the server on `port`; without a `death` everything passes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port = port
        self.death: Death | None = None
        self.passing = threading.Lock()
        self._redis = Redis(port=port)

    @property
    def url(self) -> str:
        """The URL of the Redis behind it."""
        return f"redis://127.0.0.1:{self.server_address[1]}/0"

    def is_step(self, command: bytes, transaction: bool) -> bool:
        """Returns whether the worker dies at this command. A transaction about the task ends with a step, too."""
        death = self.death
        if death is None or not death.armed or death.died.is_set():
            return False
        death.steps += transaction or self.is_about(command)
        return death.steps == death.step

    def is_about(self, command: bytes) -> bool:
        """Returns whether a command is about the task."""
        if self.death is None:
            return False
        names = (self.death.task_id.encode(), *self._tags(self.death.task_id.encode()))
        return any(name in command for name in names)

    def _tags(self, task_id: bytes) -> list[bytes]:
        held = self._redis.hgetall("{fallback}:2:unacked")
        return [tag for tag, message in held.items() if task_id in message]

    def execute(self) -> None:
        """Returns once the server has executed whatever reached it before: two rounds of its loop later."""
        self._redis.ping()
        self._redis.ping()


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        self._dead = False
        self._transaction = False
        self._proxy = cast("Interception", self.server)
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._proxy.port)) as server:
            threading.Thread(target=self._answer, args=(server,), daemon=True).start()
            for command in _commands(self.request.makefile("rb")):
                with self._proxy.passing:
                    self._pass(command, server)
            if self._dead:
                threading.Event().wait()  # a closed connection might take commands with it
            server.shutdown(socket.SHUT_RDWR)

    def _pass(self, command: bytes, server: socket.socket) -> None:
        proxy, death = self._proxy, self._proxy.death
        if death and death.died.is_set():
            return
        ends = self._transaction and b"\r\nEXEC\r\n" in command
        step = proxy.is_step(command, ends)
        self._transaction = not ends and (self._transaction or b"\r\nMULTI\r\n" in command)
        if not (step and death):
            server.sendall(command)
            return
        death.first()
        self._dead = True
        if death.side == "after":
            server.sendall(command)
        proxy.execute()
        os.kill(death.pid, signal.SIGKILL)
        death.command = " ".join(_words(command)[:3])
        death.died.set()

    def _answer(self, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if not self._dead:
                    self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


def _commands(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yields each command that a client sends, in RESP."""
    while head := stream.readline():
        parts = [head]
        for _ in range(int(head[1:])):
            length = stream.readline()
            parts += [length, stream.read(int(length[1:]) + 2)]
        yield b"".join(parts)


def _words(command: bytes) -> list[str]:
    return [word.decode(errors="replace")[:40] for word in command.split(b"\r\n")[2::2]]


@contextmanager
def intercepted(port: int) -> Iterator[Interception]:
    """Gives a proxy before the server on this port."""
    with Interception(port) as interception, serving(interception):
        yield interception
