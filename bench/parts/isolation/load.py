"""An open load: completions are queued at their times, whether or not earlier ones have been answered."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from bench.kit.load import BenchError

_REQUEST = {"messages": [{"role": "user", "content": "Who answers when one of two vendors is silent?"}]}
_PATIENCE = 180.0


@dataclass
class Asked:
    """One completion: its chain, when it was queued (monotonic), how long it took, and its result or error."""

    chain: str
    at: float
    took: float | None = None
    result: Any = None

    @property
    def is_answered(self) -> bool:
        """Returns whether it has a result that is no error."""
        return isinstance(self.result, dict)

    @property
    def waited(self) -> float:
        """Returns the seconds of all but the call that answered: in the queue, and at others."""
        return (self.took or 0.0) - float(self.result["fallback"]["attempts"][-1]["latency_ms"]) / 1000


@dataclass
class Load:
    """The completions of one run."""

    app: Celery
    asked: list[Asked] = field(default_factory=list)

    def queue(self, chain: str, priority: int = 6) -> None:
        """Queues one completion."""
        one = Asked(chain, time.monotonic())
        self.asked.append(one)

        def answered(result: AsyncResult) -> None:
            one.took, one.result = time.monotonic() - one.at, result.result

        # Not by a signature: that would find our own task, which Celery shares with every application of this process.
        options = {"queue": "completions", "priority": priority}
        self.app.send_task("fallback.complete", (_REQUEST,), {"chain": chain}, **options).then(answered, answered)

    def run(self, chains: Iterable[str], each: float, seconds: float, priority: int = 6) -> None:
        """Queues completions of these chains in turn, one every `each` seconds, for so long."""
        turn, names = time.monotonic(), list(chains)
        end, number = turn + seconds, 0
        while turn < end:
            self.collect(turn)
            self.queue(names[number % len(names)], priority)
            turn, number = turn + each, number + 1

    def collect(self, until: float) -> None:
        """Takes results until an instant of the monotonic clock."""
        while (left := until - time.monotonic()) > 0:
            self.app.backend.result_consumer.drain_events(timeout=min(left, 0.02))

    def drain(self) -> None:
        """Waits for all results.

        Raises:
            BenchError: some do not come.
        """
        until = time.monotonic() + _PATIENCE
        while missing := sum(one.took is None for one in self.asked):
            if time.monotonic() > until:
                raise BenchError(f"{missing} completions never came back")
            self.collect(time.monotonic() + 0.1)
