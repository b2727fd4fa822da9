"""Many completions are parked in an outage, in Redis and not in the workers; they leave in order, not all at once."""

from collections.abc import Sequence

import pytest

from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tests.chaos import census
from tests.chaos.bed import SLOTS
from tests.chaos.conftest import Figures
from tests.chaos.outage import PER_SECOND, Outage
from tests.chaos.witness import Witness
from tests.length import at_length
from tests.waiting import wait_until
from worker.telemetry.events import since

SHOWS = 2_000
"""Completions from which on their number would show: what a worker drops is in its memory until it is collected."""

AMONG = 200
"""Places that a completion may be from its turn: they are parked, and asked for, several at a time, and a worker
that waits a second for the processor has some in hand that long. One that lost its turn is thousands of places off."""


@pytest.fixture
def outage(fleet: Fleet) -> Outage:
    """An outage of a provider that then takes three quarters of what the workers can send at once."""
    return Outage.start(fleet, delay=0.1, capacity=3 * SLOTS // 2)


def test_their_number_costs_no_worker_memory_and_they_leave_in_order_without_tripping_the_provider(
    outage: Outage, completions: int, figures: Figures
) -> None:
    redis, few = outage.bed.store.redis, min(SHOWS, completions // 2)
    redis.config_set("slowlog-log-slower-than", 500)
    redis.config_set("slowlog-max-len", 100_000)
    outage.wait_for(few)
    before = outage.memory()
    outage.wait_for(completions)
    after = outage.memory()
    start, _ = since(outage.bed.store)
    with Witness(outage.bed.server.url) as witness:
        outage.end()
        wait_until(lambda: outage.over, 60 + completions / PER_SECOND)
        found = census.take(outage.bed, witness, outage.completions(), within=10)
    calls, (_, events) = outage.bed.provider.calls(), since(outage.bed.store, start)
    arrived = list(dict.fromkeys(call.completion for call in calls))
    trips = sum(event["type"] == "circuit-breaker-open" for event in events)
    places = farthest_from_its_place(outage.completions(), arrived)
    figures(f"{found}; {few} parked: {before} MB in each worker, {completions}: {after}")
    figures(f"{calls[-1].at - calls[0].at:.0f} s for all, {trips} trips, at most {places} places from its turn")
    figures(f"longest script: release {outage.longest('release')} ms, park {outage.longest('park')} ms")
    assert found.kept
    assert max(b - a for a, b in zip(before, after, strict=True)) < 20 or completions < SHOWS
    assert trips == 0  # or some came anew, and lost their place
    assert places < AMONG


def farthest_from_its_place(expected: Sequence[str], found: Sequence[str]) -> int:
    """Returns by how many places at most an element is from where it was expected."""
    places = {each: place for place, each in enumerate(expected)}
    return max(abs(places[each] - place) for place, each in enumerate(found))


@at_length
def test_none_is_lost_when_workers_die_while_completions_come_wait_and_leave(
    fleet: Fleet, completions: int, figures: Figures
) -> None:
    outage = Outage.start(fleet, delay=0.05, capacity=2 * SLOTS)
    one, two = outage.bed.workers
    with Witness(outage.bed.server.url) as witness:
        outage.queue(completions)
        for share, victims in ((0.2, [one]), (0.5, [two]), (0.7, [one, two])):
            wait_until(lambda share=share: outage.parked >= share * completions, 60 + completions / PER_SECOND)
            die(outage, victims)
        outage.end()
        for share, victim in ((0.6, one), (0.3, two)):
            wait_until(lambda share=share: outage.parked <= share * completions, 60 + completions / PER_SECOND)
            die(outage, [victim])
        found = census.take(outage.bed, witness, outage.completions(), within=60 + completions / PER_SECOND)
    figures(f"{found}; killed 4 workers while they came and waited, 2 while they left")
    assert found.kept, found
    assert found.repeated.total() <= 2 * SLOTS


def die(outage: Outage, workers: Sequence[Process]) -> None:
    """Kills workers with -9, and starts them again once all are dead."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        outage.bed.revive(worker)
