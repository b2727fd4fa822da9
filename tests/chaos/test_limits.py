"""Limits of a provider while workers are killed with -9: never exceeded, and nothing of them is lost for long."""

import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.provider import Call
from tests.chaos.witness import Witness
from tests.length import at_length
from tests.waiting import wait_until
from worker.limits.usage import usage

WORKERS = ("one", "two", "three", "four")
RATE, EVERY = 20.0, 2.0
CONCURRENCY = 16
PER_MINUTE = int(os.environ.get("CHAOS_PER_MINUTE", "100"))
SLOT = 15.0
"""Seconds until a dead worker's slots are free again."""

MARGIN = 1.0
MINUTE = 60.0


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    limits = {"CONCURRENCY": str(CONCURRENCY), "REQUESTS_PER_MINUTE": str(PER_MINUTE)}
    settings = {f"FALLBACK_PROVIDERS__FIRST__LIMITS__{name}": value for name, value in limits.items()}
    bed = Bed.start(fleet, delay=1.0, settings={**settings, "FALLBACK_CHAINS__DEFAULT__TIMEOUT": "7200"})
    bed.start_workers(WORKERS)
    return bed


@at_length
@pytest.mark.timeout(1800)
def test_limits_hold_and_come_back(bed: Bed, completions: int, figures: Figures) -> None:
    with Witness(bed.server.url) as witness, Producer(bed.server.url, completions, rate=RATE) as producer:
        *_, (killed, taken) = kill_until_done(bed, producer)
        wait_until(lambda: not taken & slots(bed), SLOT + MARGIN)
        freed = time.time() - killed
        census = take(bed, witness, producer.accepted, within=3 * MINUTE + completions / PER_MINUTE * 3 * MINUTE)
    calls = [call for call in bed.provider.calls() if call.path.startswith("/first/")]
    flight, minute = most_in_flight(calls), most_in(calls, MINUTE)
    figures(
        f"{census}; {flight} of {CONCURRENCY} in flight, {minute} of {PER_MINUTE} in a minute at most; "
        f"{len(taken)} slots at the last kill were free {freed:.1f} s after it"
    )
    assert census.kept, census
    assert flight <= CONCURRENCY
    assert minute <= PER_MINUTE
    assert usage(bed.store, ["first"])[0].concurrency == 0


def kill_until_done(bed: Bed, producer: Producer) -> Iterator[tuple[float, set[str]]]:
    """Kills a worker every two seconds until all are queued; yields when, and the slots taken then."""
    due = time.monotonic() + EVERY
    while not producer.done:
        # Nobody is at work while the requests of a minute are used up.
        wait_until(lambda due=due: time.monotonic() >= due and bed.at_work(), MINUTE + SLOT)
        worker = random.choice(bed.at_work())
        worker.signal(signal.SIGSTOP)
        yield time.time(), slots(bed)
        worker.kill()
        bed.revive(worker)
        due += EVERY


def slots(bed: Bed) -> set[str]:
    """Returns the slots that are taken."""
    redis = bed.store.redis
    seconds, microseconds = redis.time()
    key = bed.store.keys.breaker("first") + ":slots"
    return set(redis.zrangebyscore(key, f"({seconds * 1000 + microseconds // 1000}", "+inf"))


def most_in_flight(calls: list[Call]) -> int:
    changes = [(call.at, 1) for call in calls] + [(call.answered, -1) for call in calls if call.answered]
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def most_in(calls: list[Call], seconds: float) -> int:
    """Returns how many calls came in the fullest span of so many seconds."""
    times = sorted(call.at for call in calls)
    return max(sum(at <= other < at + seconds for other in times) for at in times)
