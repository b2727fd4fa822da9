"""A process that asks and tells the breaker `alpha` as its parent says, line by line; and the parent's end of it.

A line in is a JSON list: `["acquire"]`, `["record", permit, outcome]` or `["call until refused"]`; a line out its
answer.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.breaker import Breaker
from tests.worker.clocked_breaker import provider
from worker import breaker
from worker.breaker import Attempted, Permit
from worker.store import Store

ROOT = Path(__file__).parents[2]
COOLDOWN = 0.05


def store_with(url: str, lease: float) -> Store:
    """Returns a store whose half-open leases last `lease` seconds, by the server's own clock."""
    times = {"connect_timeout": lease / 2, "first_token_timeout": lease / 2}
    settings = Breaker(cooldown_period=COOLDOWN)
    return Store(url, "fallback", {"alpha": provider("alpha", breaker=settings, **times)})


def acquire(store: Store) -> Permit | None:
    """Returns a permit, or None where none is given."""
    lease = uuid4().hex
    return breaker.acquired(store.run(breaker.acquire(store, "", "", lease, ["alpha"]))[0], lease, ["alpha"]).permit


def record(store: Store, permit: Permit, outcome: str, task: str) -> list[Any]:
    """Records an attempt and returns the script's reply."""
    failure = "" if outcome == "success" else outcome
    reply: list[Any] = store.run(
        breaker.record(store, task, "", uuid4().hex, Attempted(permit, outcome, 1, failure=failure), [])
    )[0]
    return reply


class Asker:
    """A child process of its own."""

    def __init__(self, url: str, lease: float) -> None:
        command = [sys.executable, "-m", "tests.worker.asking_process", url, str(lease)]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, *line: Any) -> None:
        """Sends a line without waiting for its answer."""
        assert self._child.stdin
        self._child.stdin.write(json.dumps(line) + "\n")
        self._child.stdin.flush()

    def answer(self) -> Any:
        """Returns the answer to the oldest line that has not been answered."""
        assert self._child.stdout
        return json.loads(self._child.stdout.readline())

    def ask(self, *line: Any) -> Any:
        self.tell(*line)
        return self.answer()

    def kill(self) -> None:
        """Ends the child with SIGKILL, or again."""
        self._child.kill()
        self._child.communicate()


@contextmanager
def askers(count: int, url: str, lease: float) -> Iterator[Sequence[Asker]]:
    """Gives processes that are ready to ask, and ends them."""
    children = [Asker(url, lease) for _ in range(count)]
    try:
        for child in children:
            assert child.answer() == "ready"
        yield children
    finally:
        for child in children:
            child.kill()


def _answer(store: Store, name: str, *args: Any) -> Any:
    if name == "acquire":
        permit = acquire(store)
        return permit and [permit.provider, permit.generation, permit.lease]
    if name == "record":
        permit, outcome = args
        return record(store, Permit(*permit), outcome, uuid4().hex)
    calls = 0
    while permit := acquire(store):
        calls += 1
        record(store, permit, "failure", uuid4().hex)
    return calls


def _main(url: str, lease: str) -> None:
    store = store_with(url, float(lease))
    store.run(("PING",))
    print('"ready"', flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(store, *json.loads(line))), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
