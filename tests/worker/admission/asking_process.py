"""A process that asks the breaker `alpha`, and records outcomes, as its parent says; see child_process.py."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.worker.admission.child_process import Child, obey, stopped
from tests.worker.admission.shared_breaker import MANY, acquire, record, store_with
from worker.admission.breaker import Permit
from worker.errors import RedisUnavailable
from worker.store.store import Store

_time = time.time


def use(asked: Sequence[Child], url: str, *, ahead: float = 0.0, **settings: Any) -> None:
    """Gives each process a new store; `settings` are those of `store_with`, its clock is `ahead` by seconds."""
    for child in asked:
        child.use(url, ahead, settings)


class _Commands:
    """What a line can ask for. A permit is a list of its fields, or None."""

    store: Store

    def use(self, url: str, ahead: float, settings: dict[str, Any]) -> str:
        time.time = lambda: _time() + ahead
        self.store = store_with(url, **settings)
        return "ready"

    def acquire(self) -> list[Any] | None:
        permit = acquire(self.store)
        return permit and [permit.provider, permit.generation, permit.half_open_id]

    def record(self, permit: list[Any], outcome: str) -> int:
        return record(self.store, Permit(*permit), outcome)

    def ask_on(self) -> list[Any] | None:
        """Asks until it gets a permit or is stopped."""
        permit = None
        while not (permit or stopped()):
            permit = self.acquire()
        return permit

    def call_until_refused(self) -> int:
        """Fails one call after another; returns how many it made."""
        for calls in range(MANY):
            if not (permit := acquire(self.store)):
                return calls
            record(self.store, permit, "failure")
        return MANY

    def call_on(self, outcome: str) -> list[list[Any]]:
        """Calls until it is stopped; returns request, generation and whether it counted (None: no answer) of each."""
        calls: list[list[Any]] = []
        while not stopped():
            with suppress(RedisUnavailable):
                if permit := acquire(self.store):
                    calls.append([uuid4().hex, permit.generation, None])
                    calls[-1][2] = record(self.store, permit, outcome, calls[-1][0])
        return calls

    def stop(self) -> None:
        """Is the line that ends what goes on until the next one."""


if __name__ == "__main__":
    obey(_Commands())
