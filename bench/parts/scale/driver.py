"""Keeps calls in flight from a process of its own, by name: any checkout's worker reads them."""

import time
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from bench.kit.load import PATIENCE

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


@dataclass
class Driven:
    """What became of one driver's calls: those answered, and how many failed or never came back."""

    calls: list[Call] = field(default_factory=list)
    unanswered: int = 0


def drive(order: Order) -> Driven:
    """Keeps the calls of one driver in flight, waits for all of them, and returns them."""
    loop = _Loop(order)
    try:
        loop.run()
    finally:
        loop.close()
    return loop.driven


class _Loop:
    """A closed loop like that of bench/kit/load.py, which also remembers each call."""

    def __init__(self, order: Order) -> None:
        self.driven = Driven()
        self._order = order
        self._app = Celery("driver", broker=order.url, backend=order.url)
        self._task = self._app.signature("fallback.complete", args=[REQUEST], queue="completions", priority=6)
        self._asked_at: dict[str, float] = {}

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
        while self._asked_at and time.monotonic() < until:
            self._collect()
        self.driven.unanswered += len(self._asked_at)

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

    def _answered(self, result: AsyncResult) -> None:
        asked_at: Any = self._asked_at.pop(result.id)
        if result.state == "SUCCESS":
            self.driven.calls.append(Call(result.id, asked_at, time.monotonic()))
        else:
            self.driven.unanswered += 1
