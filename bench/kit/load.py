"""Keeps calls in flight, or makes one at a time, and says what they cost."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
from celery import Celery
from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import AsyncResult

PATIENCE = 60.0
"""Seconds to wait for what is outstanding; then the run is given up."""


class BenchError(Exception):
    """The run is worth nothing."""


@dataclass(frozen=True)
class Side:
    """One of the two tasks that are compared; `ask` queues one call, `workers` are pids."""

    name: str
    app: Celery
    ask: Callable[[], AsyncResult]
    workers: tuple[int, ...]


@dataclass(frozen=True)
class Load:
    """What a stretch of full load came to; CPU (user and system) is per completion, `took` the median to `.get()`."""

    rate: float
    worker_ms: float
    redis_ms: float
    driver_ms: float
    took: float


def load(side: Side, server: int, *, in_flight: int, warm_up: float, seconds: float) -> Load:
    """Returns what completions cost with `in_flight` of them outstanding all the time; `server` is Redis's pid."""
    loop = _Loop(side)
    loop.run(in_flight, warm_up, ramp=True)
    measured = (side.workers, (server,), (os.getpid(),))
    before, already, started = [_cpu(pids) for pids in measured], len(loop.took), time.monotonic()
    loop.run(in_flight, seconds)
    after, took, lasted = [_cpu(pids) for pids in measured], loop.took[already:], time.monotonic() - started
    loop.drain()
    if not took:
        raise BenchError(f"{side.name}: nothing was answered in {seconds:g} s")
    worker, redis, driver = (1000 * (end - begin) / len(took) for begin, end in zip(before, after, strict=True))
    return Load(len(took) / lasted, worker, redis, driver, median(took))


def answers_of(results: Sequence[AsyncResult], patience: float) -> list[dict[str, Any]]:
    """Returns what came back within so many seconds in all, failures excepted.

    Raises:
        BenchError: some never came back.
    """
    until = time.monotonic() + patience
    try:
        came = [result.get(timeout=max(0.001, until - time.monotonic()), propagate=False) for result in results]
    except ResultTimeout:
        raise BenchError(f"of {len(results)} completions some never came back") from None
    return [answer for answer in came if isinstance(answer, dict)]


def delay_to_get(side: Side) -> float:
    """Returns the milliseconds from just before one call is queued until its result is there."""
    started = time.perf_counter()
    side.ask().get(timeout=PATIENCE)
    return 1000 * (time.perf_counter() - started)


def _cpu(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(t.user + t.system for t in times))


class _Loop:
    """A closed loop: whoever is answered asks again. Results come through Celery's own subscription."""

    def __init__(self, side: Side) -> None:
        self.took: list[float] = []
        self._side = side
        self._asked_at: dict[str, float] = {}
        self._failed = ""

    def run(self, in_flight: int, seconds: float, *, ramp: bool = False) -> None:
        """Keeps `in_flight` calls outstanding for so long; with `ramp` it gets there evenly, at the end.

        Without a ramp, streams that take seconds would go on ending all at once.
        """
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            while len(self._asked_at) < (in_flight * elapsed / seconds if ramp else in_flight):
                asked_at = time.monotonic()
                result = self._side.ask()
                self._asked_at[result.id] = asked_at
                result.then(self._answered)
            self._collect()

    def drain(self) -> None:
        """Waits until nothing is outstanding."""
        until = time.monotonic() + PATIENCE
        while self._asked_at:
            self._collect()
            if time.monotonic() > until:
                raise BenchError(f"{self._side.name}: {len(self._asked_at)} calls never came back")

    def _collect(self) -> None:
        self._side.app.backend.result_consumer.drain_events(timeout=0.02)
        if self._failed:
            raise BenchError(f"{self._side.name}: {self._failed}")

    def _answered(self, result: AsyncResult) -> None:
        # Celery's promise would swallow an exception raised here.
        if result.state != "SUCCESS":
            self._failed = str(result.result)
        self.took.append(time.monotonic() - self._asked_at.pop(result.id))
