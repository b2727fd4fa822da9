"""Beats killed and doubled while every slot is taken: one probe per provider and slot, and no long gap."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise

import pytest
from redis import Redis
from redis.client import PubSub

from tasks.local import celery_nodes
from tasks.local.fleet import Fleet
from tests.chaos.bed import PROVIDERS, SLOTS, Bed
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.provider import KEY, Call
from tests.waiting import wait_until

INTERVAL = 2
KILLS = int(os.environ.get("CHAOS_BEATS", "2"))


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    bed = Bed.start(fleet, delay=2.0, settings={"FALLBACK_HEALTH__PROBE_INTERVAL": str(INTERVAL)})
    bed.start_workers(("completions",))
    bed.start_workers(("probes",), queues=["probes"], concurrency=4)
    return bed


@pytest.fixture
def taken(bed: Bed) -> Iterator[PubSub]:
    """Hears of each slot that a probe takes."""
    with Redis.from_url(bed.server.url, decode_responses=True) as redis:
        redis.config_set("notify-keyspace-events", "K$")
        with redis.pubsub(ignore_subscribe_messages=True) as heard:
            heard.psubscribe(f"__keyspace@0__:{bed.store.keys.probe_slot('*', 0).removesuffix('0')}*")
            heard.get_message(timeout=5.0)  # the subscription's own
            yield heard


def test_one_probe_per_slot_and_no_gap_of_two_intervals(bed: Bed, taken: PubSub, figures: Figures) -> None:
    beats = [celery_nodes.start_beat(bed.fleet, name=name, environment={KEY: name}) for name in ("one", "two")]
    with Producer(bed.server.url, 200 * KILLS, rate=100 * SLOTS):
        wait_until(lambda: under_way(bed) == SLOTS)
        for beat in islice(cycle(beats), KILLS):
            beat.restart()
            lived = time.monotonic() + INTERVAL
            wait_until(lambda lived=lived: time.monotonic() > lived)
        wait_until(lambda: under_way(bed) == SLOTS)  # the load has lasted
        for beat in beats:
            beat.kill()
    slots = Counter(slot.split(":")[-2] for slot in set(channels(taken)))
    wait_until(lambda: len(bed.provider.probes()) >= slots.total())
    probes = {name: [probe for probe in bed.provider.probes() if name in probe.path] for name in PROVIDERS}
    longest = max(gap for each in probes.values() for gap in gaps(each))
    counted = {name: len(each) for name, each in probes.items()}
    figures(f"{KILLS} beats killed: probes {counted}, slots taken {dict(slots)}, longest gap {longest:.1f} s")
    assert counted == slots
    assert longest <= 2 * INTERVAL


def under_way(bed: Bed) -> int:
    return sum(call.answered is None for call in bed.provider.calls())


def channels(heard: PubSub) -> Iterator[str]:
    while message := heard.get_message(timeout=1.0):
        yield message["channel"]


def gaps(probes: Sequence[Call]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(probes)]
