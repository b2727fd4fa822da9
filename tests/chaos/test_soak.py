"""Workers under load for long: their memory and their connections do not grow."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import linear_regression

import psutil
import pytest

from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tests.chaos.bed import SLOTS, Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.witness import Witness
from tests.length import at_length
from tests.waiting import wait_until

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
WARM_UP = min(600.0, SECONDS / 4)
EVERY = max(1.0, SECONDS / 720)
RATE = 10.0
LONG = 1800.0
"""Seconds from which on a slope is more than noise."""

MOST_GROWTH = 1.0
"""MB an hour."""


@dataclass(frozen=True)
class Sample:
    """A worker at a moment (monotonic): resident memory in MB, connections to Redis and to the provider."""

    at: float
    memory: float
    connections: int


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    bed = Bed.start(fleet, delay=0.2)
    bed.start_workers(("one", "two"))
    return bed


@at_length
def test_memory_and_connections_do_not_grow(bed: Bed, figures: Figures) -> None:
    samples: dict[str, list[Sample]] = {worker.name: [] for worker in bed.workers}
    with Witness(bed.server.url) as witness, Producer(bed.server.url, 20 * SLOTS, rate=1000.0) as burst:
        wait_until(lambda: burst.done)  # every slot opens what it needs
        with Producer(bed.server.url, int(RATE * SECONDS), rate=RATE) as producer:
            for _ in paced(SECONDS):
                for worker in bed.workers:
                    samples[worker.name].append(look(worker))
            wait_until(lambda: producer.done)
        census = take(bed, witness, {**burst.accepted, **producer.accepted}, within=60)
    settled = {name: [s for s in each if s.at >= each[0].at + WARM_UP] for name, each in samples.items()}
    slopes = {name: slope(each) for name, each in settled.items()}
    found = [f"{name}: {summary(each)}, {slopes[name]:+.2f} MB/h" for name, each in settled.items()]
    figures("\n".join([f"{census}; {SECONDS:g} s, of which {WARM_UP:g} s warm-up", *found]))
    assert census.kept, census
    assert not any(map(more_connections, settled.values()))
    assert SECONDS < LONG or max(slopes.values()) <= MOST_GROWTH


def paced(seconds: float) -> Iterator[None]:
    """Yields at an even rate for so long."""
    started = due = time.monotonic()
    while due < started + seconds:
        yield
        due += EVERY
        wait_until(lambda due=due: time.monotonic() >= due, 2 * EVERY)


def look(worker: Process) -> Sample:
    process = psutil.Process(worker.pid)
    connected = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_ESTABLISHED]
    return Sample(time.monotonic(), process.memory_info().rss / 1e6, len(connected))


def slope(samples: Sequence[Sample]) -> float:
    """Returns MB an hour, by least squares."""
    return 3600 * linear_regression([s.at for s in samples], [s.memory for s in samples]).slope


def more_connections(samples: Sequence[Sample]) -> bool:
    """Says whether there were more in the second half than each slot may have opened late, or again after idling."""
    half = len(samples) // 2
    return max(s.connections for s in samples[half:]) > max(s.connections for s in samples[:half]) + SLOTS


def summary(samples: Sequence[Sample]) -> str:
    connections = sorted({sample.connections for sample in samples})
    memory = f"{samples[0].memory:.1f} to {samples[-1].memory:.1f} MB"
    return f"{connections[0]} to {connections[-1]} connections, {memory}"
