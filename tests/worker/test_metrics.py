"""The fleet's counters."""

import signal

import pytest

from tests.waiting import wait_until
from tests.worker.clocked_breaker import url
from tests.worker.stores import answers, store_at
from worker import metrics
from worker.errors import StoreAway

NONE = dict.fromkeys(metrics.COUNTERS, 0)


def test_without_an_outage_all_are_zero_and_nothing_is_written(redis):
    store = store_at(url(redis))
    metrics.flush(store)
    assert metrics.counters(store) == NONE
    assert not redis.exists(store.counters)


def test_what_each_process_counted_adds_up(redis):
    for _ in range(2):
        store = store_at(url(redis))
        store.outage.decided()
        store.outage.decided()
        metrics.flush(store)
        metrics.flush(store)
    assert metrics.counters(store) == NONE | {"decisions_away": 4}


@pytest.mark.timeout(20)
def test_counts_are_kept_while_the_server_hangs_and_added_once_when_it_wakes(own_server):
    store = store_at(own_server.url)
    assert answers(store)
    own_server.process.signal(signal.SIGSTOP)
    store.outage.decided()
    for _ in range(2):  # asks, then is refused
        with pytest.raises(StoreAway):
            metrics.flush(store)
    own_server.process.signal(signal.SIGCONT)
    wait_until(lambda: answers(store))
    assert metrics.counters(store)["decisions_away"] == 0
    metrics.flush(store)
    assert metrics.counters(store) == NONE | {"store_away": 1, "decisions_away": 1}
