"""A stock Celery application and a fleet on one database, workers of both killed: neither touches the other's."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle

import pytest
from celery import Celery

from tasks.local import commands
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.chaos.bed import Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.neighbour import BEGUN
from tests.chaos.producer import Producer
from tests.chaos.witness import Witness
from tests.length import at_length
from tests.waiting import wait_until
from worker.task.lease import LEASE

SECONDS = float(os.environ.get("CHAOS_NEIGHBOURS", "24"))
"""Of load, on both sides."""

LONG = LEASE + 3.0
"""Seconds of a task, or of its delay, that a fleet's visibility timeout would not let pass."""

KINDS = (
    ("shop.early", {}, {}),
    ("shop.late", {}, {}),
    ("shop.early", {"seconds": LONG}, {}),
    ("shop.late", {"seconds": LONG}, {}),
    ("shop.early", {}, {"countdown": LONG}),
    ("shop.late", {}, {"countdown": LONG}),
)
"""Task, arguments and options."""

RATE = 10.0
"""Completions a second."""

DELAY = 0.5
"""Seconds of a call."""

EVERY = 0.5
"""Seconds between two tasks of the neighbour."""


class Shop:
    """The neighbour: two workers, and what was queued.

    `excused` are the tasks that the killed worker may have acknowledged before it began them, as Celery's default is.
    """

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.queued: list[str] = []
        self.excused: set[str] = set()
        self._early: set[str] = set()
        self.workers = [self._start(name) for name in ("shop-1", "shop-2")]
        self._app = Celery("till", broker=bed.server.url, set_as_current=False)
        self._kinds = cycle(KINDS)

    def _start(self, name: str) -> Process:
        command = commands.worker(name, application="tests.chaos.neighbour", concurrency=20)
        return self.bed.fleet.start(name, command, ready=writes(" ready."), cwd=ROOT)

    def queue(self) -> None:
        name, arguments, options = next(self._kinds)
        self.queued.append(self._app.send_task(name, (), arguments, **options).id)
        if name == "shop.early":
            self._early.add(self.queued[-1])

    def kill_one(self) -> None:
        """Kills a worker while nothing is fetched: what kombu pops and has not registered is lost with it."""
        wait_until(lambda: not self.bed.store.redis.exists("celery"))
        self.workers[0].kill()
        self.excused = set(self._early)

    @property
    def begun(self) -> Counter[str]:
        return Counter(self.bed.store.redis.lrange(BEGUN, 0, -1))

    @property
    def unacknowledged(self) -> set[str]:
        """The tasks in the hands of its workers, dead ones included."""
        return {json.loads(each)[0]["headers"]["id"] for each in self.bed.store.redis.hvals("unacked")}

    @property
    def left(self) -> set[str]:
        """The tasks that no worker has begun."""
        return set(self.queued) - self.begun.keys()

    def figures(self) -> str:
        kind = Counter(self.begun.values())
        return (
            f"{len(self.queued)} tasks of the neighbour: begun {dict(kind)}, {len(self.left)} left with a dead worker"
        )


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    return Bed.start(fleet, delay=DELAY)


def run_beside(bed: Bed, shop: Shop, kill: Callable[[], object]) -> None:
    """Queues the neighbour's tasks for SECONDS, kills after a third of them, and waits for the last delayed ones."""
    ends = time.monotonic() + SECONDS
    for number in range(int(SECONDS / EVERY)):
        wait_until(lambda number=number: time.monotonic() >= ends - SECONDS + number * EVERY)
        shop.queue()
        if number == int(SECONDS / EVERY / 3):
            shop.kill_one()
            kill()
    wait_until(
        lambda: time.monotonic() >= ends + LONG and shop.left <= shop.unacknowledged | shop.excused, SECONDS + 2 * LONG
    )


@at_length
def test_a_stock_application_alone_begins_each_task_once(bed: Bed, figures: Figures) -> None:
    shop = Shop(bed)
    run_beside(bed, shop, lambda: None)
    figures(shop.figures())
    assert set(shop.begun.values()) == {1}


def test_beside_a_fleet_that_loses_workers_it_does_so_too(bed: Bed, figures: Figures) -> None:
    shop = Shop(bed)
    bed.start_workers(("one", "two"))
    with Witness(bed.server.url) as witness, Producer(bed.server.url, int(SECONDS * RATE), rate=RATE) as producer:
        run_beside(bed, shop, lambda: die(bed))
        census = take(bed, witness, producer.accepted, within=60.0)
    figures(f"{shop.figures()}; {census}")
    assert set(shop.begun.values()) == {1}
    assert shop.left <= shop.unacknowledged | shop.excused
    assert census.kept, census
    assert not bed.store.redis.exists(bed.store.keys.quarantine)


def die(bed: Bed) -> None:
    """Kills a worker of the fleet with calls in flight, and starts it again."""
    wait_until(lambda: bed.workers[0] in bed.at_work(DELAY / 2))
    assert bed.kill(bed.workers[0]).in_flight
    bed.revive(bed.workers[0])
