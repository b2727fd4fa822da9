"""Keeps calls in flight, or makes one at a time, and says what they cost."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
from celery import Celery
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
    """What a stretch of full load came to; CPU (user and system) is per completion."""

    rate: float
    worker_ms: float
    redis_ms: float
    driver_ms: float


def load(side: Side, server: int, *, in_flight: int, warm_up: float, seconds: float) -> Load:
    """Returns what completions cost with `in_flight` of them outstanding all the time; `server` is Redis's pid."""
    loop = _Loop(side)
    loop.run(in_flight, warm_up, ramp=True)
    measured = (side.workers, (server,), (os.getpid(),))
    before, done, started = [_cpu(pids) for pids in measured], loop.done, time.monotonic()
    loop.run(in_flight, seconds)
    after, done, took = [_cpu(pids) for pids in measured], loop.done - done, time.monotonic() - started
    loop.drain()
    worker, redis, driver = (1000 * (end - begin) / done for begin, end in zip(before, after, strict=True))
    return Load(done / took, worker, redis, driver)


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
        self.done = 0
        self._side = side
        self._outstanding = 0
        self._failed = ""

    def run(self, in_flight: int, seconds: float, *, ramp: bool = False) -> None:
        """Keeps `in_flight` calls outstanding for so long; with `ramp` it gets there evenly, at the end.

        Without a ramp, streams that take seconds would go on ending all at once.
        """
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            while self._outstanding < (in_flight * elapsed / seconds if ramp else in_flight):
                self._outstanding += 1
                self._side.ask().then(self._answered)
            self._collect()

    def drain(self) -> None:
        """Waits until nothing is outstanding."""
        until = time.monotonic() + PATIENCE
        while self._outstanding:
            self._collect()
            if time.monotonic() > until:
                raise BenchError(f"{self._side.name}: {self._outstanding} calls never came back")

    def _collect(self) -> None:
        self._side.app.backend.result_consumer.drain_events(timeout=0.02)
        if self._failed:
            raise BenchError(f"{self._side.name}: {self._failed}")

    def _answered(self, result: AsyncResult) -> None:
        # Celery's promise would swallow an exception raised here.
        if result.state != "SUCCESS":
            self._failed = str(result.result)
        self._outstanding -= 1
        self.done += 1
