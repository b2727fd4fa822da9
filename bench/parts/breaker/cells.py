"""What bench/breaker.py measures: one side doing one thing, beside a PING through the same client."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

from redis import Redis

from bench.parts.breaker.guarded import CLOSED, OPEN, Names, Operation, Side

CALLS: dict[str, tuple[Names, Names]] = {
    "whole call, success": (CLOSED, ()),
    "whole call, failure": (CLOSED[:1], CLOSED[:1]),
    "first fails, second answers": (CLOSED, CLOSED[:1]),
    "one open, second answers": ((OPEN[0], *CLOSED[:2]), ()),
    "two open, third answers": ((*OPEN, CLOSED[0]), ()),
    "open, nobody else": (OPEN[:1], ()),
}
"""What every side has an equivalent for: the chain, and who of it is down."""

_FAIL = ("failover decision", "whole call, failure", "first fails, second answers")
"""Before each of these the state is put back: failures in a row would open what is closed."""

Spent = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """A round's medians, in seconds: a PING's time and CPU, then the operation's.

    The CPU is this process's, user and system, without the server's.
    """

    ping: float
    ping_cpu: float
    took: float
    cpu: float


@dataclass(frozen=True)
class Cell:
    """One side doing one thing, from the state that `before` leaves, and the samples so far."""

    row: str
    side: Side
    operation: Operation
    before: Operation
    samples: list[Sample] = field(default_factory=list)

    def sample(self, count: int) -> None:
        """Measures it `count` times, each time after a PING, and keeps a sample."""
        runner = self.side.runner
        spent = runner.run(self._measure_awaited(count)) if runner else self._measure(count)
        self.samples.append(Sample(*map(median, zip(*spent, strict=True))))

    def once(self) -> Any:
        """Does it once and returns what it gives."""
        runner = self.side.runner
        return runner.run(self.operation()) if runner else self.operation()

    @property
    def pings(self) -> list[float]:
        """Returns the time in PINGs, by round."""
        return [sample.took / sample.ping for sample in self.samples]

    @property
    def cpu_pings(self) -> list[float]:
        """Returns the CPU in those of a PING, by round."""
        return [sample.cpu / sample.ping_cpu for sample in self.samples]

    def _measure(self, count: int) -> list[tuple[float, ...]]:
        spent: list[tuple[float, ...]] = []
        for _ in range(count):
            self.before()
            spent.append((*_spent(self.side.ping), *_spent(self.operation)))
        return spent

    async def _measure_awaited(self, count: int) -> list[tuple[float, ...]]:
        spent: list[tuple[float, ...]] = []
        for _ in range(count):
            self.before()
            spent.append((*await _spent_awaited(self.side.ping), *await _spent_awaited(self.operation)))
        return spent


def cells(side: Side, admin: Redis) -> Iterator[Cell]:
    """Gives what there is to measure of a side; `admin` puts states back."""
    put_back = side.settle or _put_back(side.keys, admin)
    operations = side.steps | {row: partial(side.call, *call) for row, call in CALLS.items()}
    for row, operation in operations.items():
        cell = Cell(row, side, operation, put_back if row in _FAIL else _nothing)
        cell.before()
        answer = cell.once()
        assert row not in CALLS or answer == _expected(*CALLS[row]), f"{side.name}, {row}: {answer}"
        yield cell


def _expected(chain: Names, down: Names) -> str:
    return next((name for name in chain if name not in OPEN and name not in down), "")


def _put_back(keys: str, admin: Redis) -> Operation:
    dumps = [(key, admin.dump(key)) for key in admin.scan_iter(match=keys)]

    def put_back() -> None:
        pipeline = admin.pipeline(transaction=False)
        for key, dump in dumps:
            pipeline.restore(key, 0, dump, replace=True)
        pipeline.execute()

    return put_back


def _nothing() -> None:
    pass


def _spent(operation: Operation) -> Spent:
    cpu, begin = time.process_time(), time.perf_counter()
    operation()
    end = time.perf_counter()
    return end - begin, time.process_time() - cpu


async def _spent_awaited(operation: Operation) -> Spent:
    cpu, begin = time.process_time(), time.perf_counter()
    await operation()
    end = time.perf_counter()
    return end - begin, time.process_time() - cpu
