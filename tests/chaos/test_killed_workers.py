"""Workers killed with -9 under load: every completion is answered, once, and soon."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tests.chaos.bed import Bed, Crash
from tests.chaos.census import asked_again, take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.redeliveries import Redeliveries
from tests.chaos.witness import Witness
from tests.waiting import wait_until
from worker.health.health import percentile

WORKERS = ("one", "two", "three", "four")
RATE = 20.0
EVERY = 2.0
"""Seconds between two kills."""

REDELIVERED_WITHIN = 18.0
"""The visibility timeout, a sweep a second, and a margin."""

DRAIN = 60.0
"""Seconds for what is left at the end, beside those that the load took: as much may have queued up."""


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    bed = Bed.start(fleet, delay=1.0)
    bed.start_workers(WORKERS)
    return bed


def test_each_completion_is_answered_once_and_soon(bed: Bed, completions: int, figures: Figures) -> None:
    url, stopped = bed.server.url, bed.workers[0]
    stopped.signal(signal.SIGSTOP)  # idle, with its fetch under way
    with Witness(url) as witness, Redeliveries(url) as back, Producer(url, completions, rate=RATE) as producer:
        wait_until(lambda: len(producer.accepted) > RATE)
        crashes = [die(bed, stopped), *kill_until_done(bed, producer)]
        census = take(bed, witness, producer.accepted, within=DRAIN + completions / RATE)
    busy = sum(bool(crash.in_flight) for crash in crashes[1:])
    in_flight = Counter(completion for crash in crashes for completion in crash.in_flight)
    after = back.after([crash.at for crash in crashes])
    kills = (
        f"{in_flight.total()} were in flight at {len(crashes)} kills, of which {busy} hit calls and one an idle worker"
    )
    again = asked_again(bed.provider.calls(), crashes)
    delays = f"redelivered {summary(after)} after a crash, asked again {summary(again)} (which others' crashes delay)"
    figures(f"{census}; {kills}; {delays}")
    assert census.kept, census
    assert busy >= 0.8 * (len(crashes) - 1)
    assert not census.repeated - in_flight
    assert percentile(sorted(after), 0.99) <= REDELIVERED_WITHIN


def summary(seconds: list[float]) -> str:
    return f"p50 {percentile(sorted(seconds), 0.5):.1f} s, p99 {percentile(sorted(seconds), 0.99):.1f} s"


def kill_until_done(bed: Bed, producer: Producer) -> Iterator[Crash]:
    due = time.monotonic() + EVERY
    while True:
        wait_until(lambda due=due: producer.done or (time.monotonic() >= due and bed.at_work()))
        if producer.done:
            return
        yield die(bed, random.choice(bed.at_work()))
        due += EVERY


def die(bed: Bed, worker: Process) -> Crash:
    crash = bed.kill(worker)
    bed.revive(worker)
    return crash
