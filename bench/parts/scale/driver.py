"""Keeps calls in flight from a process of its own, by name: any checkout's worker reads them."""

import time
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from bench.kit.load import PATIENCE, BenchError

_PROMPT = "Tell the story of the night shift that no provider's outage could end, in about two hundred words."
REQUEST = {"messages": [{"role": "user", "content": _PROMPT}]}


@dataclass(frozen=True)
class Order:
    """What one driver does from the monotonic instant `starts_at`: `ramp` seconds up to `in_flight`, then `seconds`."""

    url: str
    in_flight: int
    starts_at: float
    ramp: float
    seconds: float


@dataclass(frozen=True)
class Call:
    """One completion, with the monotonic instants before it was queued and when its result was there."""

    task_id: str
    asked_at: float
    answered_at: float

    @property
    def took(self) -> float:
        """Returns the seconds in between."""
        return self.answered_at - self.asked_at


def drive(order: Order) -> list[Call]:
    """Returns the calls of one driver, all answered.

    Raises:
        BenchError: one failed, or never came back.
    """
    loop = _Loop(order)
    try:
        loop.run()
    finally:
        loop.close()
    return loop.calls


class _Loop:
    """A closed loop like that of bench/kit/load.py, which also remembers each call."""

    def __init__(self, order: Order) -> None:
        self.calls: list[Call] = []
        self._order = order
        self._app = Celery("driver", broker=order.url, backend=order.url)
        self._task = self._app.signature("fallback.complete", args=[REQUEST], queue="completions", priority=6)
        self._asked_at: dict[str, float] = {}
        self._failed = ""

    def run(self) -> None:
        order = self._order
        time.sleep(max(order.starts_at - time.monotonic(), 0.0))
        while (elapsed := time.monotonic() - order.starts_at) < order.ramp + order.seconds:
            # Evenly, or all would go on being answered at the same moment.
            allowed = order.in_flight * min(elapsed / order.ramp, 1.0)
            while len(self._asked_at) < allowed:
                self._ask()
            self._collect()
        until = time.monotonic() + PATIENCE
        while self._asked_at:
            self._collect()
            if time.monotonic() > until:
                raise BenchError(f"{len(self._asked_at)} calls never came back")

    def close(self) -> None:
        self._app.backend.result_consumer.stop()
        self._app.close()

    def _ask(self) -> None:
        asked_at = time.monotonic()
        result = self._task.apply_async()
        self._asked_at[result.id] = asked_at
        result.then(self._answered)

    def _collect(self) -> None:
        self._app.backend.result_consumer.drain_events(timeout=0.01)
        if self._failed:
            raise BenchError(self._failed)

    def _answered(self, result: AsyncResult) -> None:
        # Celery's promise would swallow an exception raised here.
        if result.state != "SUCCESS":
            self._failed = str(result.result)
        asked_at: Any = self._asked_at.pop(result.id)
        self.calls.append(Call(result.id, asked_at, time.monotonic()))
