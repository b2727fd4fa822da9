"""Redis killed with -9 and restarted on its append-only file, and hung, under load: every completion is answered."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.witness import Witness
from tests.waiting import wait_until

RATE = 20.0
KILLS = 3
HANG = float(os.environ.get("CHAOS_HANG", "6"))
"""Seconds that Redis hangs; 10 in `make chaos`."""

RECOVERED_WITHIN = 6.0
DRAIN = 60.0


@pytest.fixture
def bed(fleet: Fleet) -> Iterator[Bed]:
    bed = Bed.start(fleet, delay=0.5)
    bed.start_workers(("one", "two"))
    yield bed
    bed.server.process.signal(signal.SIGCONT)


def killed(bed: Bed) -> float:
    bed.server.process.restart()
    return time.time()


def hung(bed: Bed) -> float:
    bed.server.process.signal(signal.SIGSTOP)
    back = time.monotonic() + HANG
    wait_until(lambda: time.monotonic() > back, 2 * HANG)
    bed.server.process.signal(signal.SIGCONT)
    return time.time()


@pytest.mark.parametrize(("outage", "times"), [(killed, KILLS), (hung, 1)])
def test_each_completion_is_answered_once_and_work_goes_on_soon(
    bed: Bed, completions: int, figures: Figures, outage: Callable[[Bed], float], times: int
) -> None:
    recoveries, backs = [], []
    with Witness(bed.server.url) as witness, Producer(bed.server.url, completions, rate=RATE) as producer:
        for number in range(1, times + 1):
            share = number / (times + 1)
            wait_until(lambda share=share: len(producer.accepted) >= share * completions, completions / RATE + 30)
            backs.append(outage(bed))
            wait_until(lambda: all_call(bed, backs[-1]), 60)
            recoveries.append(time.time() - backs[-1])
        wait_until(lambda: producer.done, completions / RATE + 30)
        census = take(bed, witness, producer.accepted, within=DRAIN)
    figures(f"{census}; recovery after {', '.join(f'{seconds:.1f}' for seconds in recoveries)} s")
    assert census.kept, census
    assert max(recoveries) <= RECOVERED_WITHIN


def all_call(bed: Bed, since: float) -> bool:
    """Says whether each worker has asked the provider again since then."""
    return len({call.caller for call in bed.provider.calls(since)}) == len(bed.workers)
