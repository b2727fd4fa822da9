"""Every worker restarted in turn under load, as in a deployment: nothing is lost, and nothing asked twice."""

from itertools import cycle

import pytest

from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.witness import Witness
from tests.waiting import wait_until

RATE = 20.0
GRACE = 30.0


@pytest.fixture
def bed(fleet: Fleet) -> Bed:
    bed = Bed.start(fleet, delay=1.0)
    bed.start_workers(("one", "two", "three"))
    return bed


def test_nothing_is_lost_and_nothing_is_asked_twice(bed: Bed, completions: int, figures: Figures) -> None:
    restarts = 0
    with Witness(bed.server.url) as witness, Producer(bed.server.url, completions, rate=RATE) as producer:
        for worker in cycle(bed.workers):
            if producer.done and restarts >= len(bed.workers):
                break
            worker.stop(GRACE)
            assert worker.exit_status == 0
            bed.revive(worker)
            wait_until(lambda worker=worker: worker in bed.ready(), 30)
            restarts += 1
        census = take(bed, witness, producer.accepted, within=60)
    figures(f"{census}; {restarts} restarts")
    assert census.kept, census
    assert not census.repeated
