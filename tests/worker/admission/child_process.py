"""A child process that does what its parent says, line by line; and the parent's end of it.

A line in is a JSON list, a command and its arguments; a line out is its answer, or `"unavailable"` where the store was.
"""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worker.errors import RedisUnavailable

ROOT = Path(__file__).parents[3]
PACE = 0.005
"""Seconds between two rounds of a child that goes on until it is stopped."""


class Child:
    """A process of its own that runs a module of this folder."""

    def __init__(self, module: str) -> None:
        command = [sys.executable, "-m", f"tests.worker.admission.{module}"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, *line: Any) -> None:
        """Sends a line without waiting for its answer."""
        assert self._child.stdin
        self._child.stdin.write(json.dumps(line) + "\n")
        self._child.stdin.flush()

    def answer(self) -> Any:
        """Returns the answer to the oldest line that has not been answered."""
        assert self._child.stdout
        return json.loads(self._child.stdout.readline())

    def ask(self, *line: Any) -> Any:
        self.send(*line)
        return self.answer()

    def use(self, *args: Any) -> None:
        """Sends it what to work with; whatever an earlier test left unanswered is dropped."""
        self.send("use", *args)
        while self.answer() != "ready":
            pass

    def kill(self) -> None:
        """Ends the child with SIGKILL, or again."""
        self._child.kill()
        self._child.communicate()


@contextmanager
def children(count: int, module: str = "asking_process") -> Iterator[Sequence[Child]]:
    """Gives processes, and ends them."""
    started = [Child(module) for _ in range(count)]
    try:
        yield started
    finally:
        for child in started:
            child.kill()


def ask_all(asked: Sequence[Child], *line: Any) -> list[Any]:
    """Sends to all of them at once and returns their answers."""
    for child in asked:
        child.send(*line)
    return [child.answer() for child in asked]


def stop_all(busy: Sequence[Child]) -> list[Any]:
    """Stops what they do until the next line, and returns what came of it."""
    for child in busy:
        child.send("stop")
    reports = [child.answer() for child in busy]
    assert [child.answer() for child in busy] == [None] * len(busy)
    return reports


def stopped() -> bool:
    """Says in a child whether the next line has come; waits a moment for it."""
    return bool(select.select([sys.stdin], [], [], PACE)[0])


def obey(commands: Any) -> None:
    """Answers each line with what the method of `commands` that it names returns."""
    with open(0, "rb", buffering=0) as lines:  # what was read ahead, `stopped` would not see
        for line in lines:
            name, *args = json.loads(line)
            try:
                answer = getattr(commands, name)(*args)
            except RedisUnavailable:
                answer = "unavailable"
            print(json.dumps(answer), flush=True)
