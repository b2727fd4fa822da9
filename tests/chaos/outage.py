"""An outage: a provider that is down, and completions of every priority that are parked until it admits."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count as numbers
from typing import Self

import psutil
from celery import Celery

from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.census import MESSAGES
from tests.chaos.provider import prompt
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.task.parking import count

PRIORITIES = {"high-priority": 3, "default": 6, "low-cost": 9}
BYTES = 20_000
"""Of one message."""

PER_SECOND = 20
"""Completions that even a busy machine gets done."""

_CHAIN = {"PROVIDERS": '["first"]', "WHEN_EXHAUSTED": "wait", "TIMEOUT": "7200"}
_SETTINGS = {
    f"FALLBACK_CHAINS__{chain.upper().replace('-', '_')}__{key}": value
    for chain in PRIORITIES
    for key, value in _CHAIN.items()
}


class Outage:
    """Two workers whose provider is gone; `queued` are the completions by chain, in their order."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.queued: dict[str, list[str]] = {chain: [] for chain in PRIORITIES}
        self._app = Celery("elsewhere", broker=bed.server.url)
        self._numbers = numbers()

    @classmethod
    def start(cls, fleet: Fleet, **provider: float) -> Self:
        """Starts it; `provider` are the delay and the capacity that the provider has later.

        Raises:
            FleetError: something did not come up.
        """
        bed = Bed.start(fleet, settings=_SETTINGS, **provider)
        bed.start_workers(("one", "two"))
        bed.provider.process.kill()
        return cls(bed)

    @property
    def parked(self) -> int:
        """How many are parked."""
        return count(self.bed.store)

    def queue(self, total: int) -> None:
        """Queues completions, of every priority in turn."""
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(self._queue, range(total)):
                pass

    def _queue(self, _: int) -> None:
        number = next(self._numbers)
        chain, completion = list(PRIORITIES)[number % 3], f"{number:08x}"
        request: Mapping[str, object] = {"messages": [{"role": "user", "content": prompt(completion) + BYTES * "x"}]}
        options = {"queue": "completions", "priority": PRIORITIES[chain], "task_id": completion}
        self._app.send_task("fallback.complete", (request,), {"chain": chain}, **options)
        self.queued[chain].append(completion)

    def wait_for(self, total: int) -> None:
        """Queues until this many are parked, and no worker has any in hand."""
        self.queue(total - len(self.completions()))
        redis = self.bed.store.redis
        wait_until(lambda: self.parked == total and not redis.hlen("{fallback}:2:unacked"), 60 + total / PER_SECOND)

    def end(self) -> None:
        """Brings the provider back, and says so to the fleet, which might not try it for minutes."""
        self.bed.provider.process.start()
        control(self.bed.store, "first", "reset", by="test")

    @property
    def over(self) -> bool:
        """Says whether no message is left anywhere."""
        return not self.parked and not self.bed.store.redis.exists(*MESSAGES)

    def completions(self) -> list[str]:
        """Returns all of them, the highest priority first, then in the order in which they were queued."""
        return [completion for chain in PRIORITIES for completion in self.queued[chain]]

    def memory(self) -> list[int]:
        """Returns each worker's resident memory, in MB."""
        return [psutil.Process(worker.pid).memory_info().rss // 1_000_000 for worker in self.bed.workers]

    def longest(self, script: str) -> float:
        """Returns the longest time that one run of a script blocked the server, in ms; below 0.5 it is not known.

        On a busy machine most of it is the time that the server did not have the processor.
        """
        sha = str(self.bed.store.script(script, [])[1]).encode()
        runs = [entry["duration"] for entry in self.bed.store.redis.slowlog_get(-1) if sha in entry["command"]]
        return max(runs, default=0) / 1000
