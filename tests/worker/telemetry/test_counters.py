"""The fleet's counters."""

import signal

import pytest

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import answers, store_at
from worker.errors import RedisUnavailable
from worker.telemetry import counters
from worker.telemetry.metrics.recording import METRICS

NONE = dict.fromkeys(counters.COUNTERS, 0)


def test_without_an_outage_all_are_zero_and_nothing_is_written(redis):
    store = store_at(url(redis))
    counters.flush(store)
    assert counters.counters(store) == NONE
    assert not redis.exists(store.keys.counters)


def test_what_each_process_counted_adds_up(redis):
    for _ in range(2):
        store = store_at(url(redis))
        store.outage.decided()
        store.outage.decided()
        counters.flush(store)
        counters.flush(store)
    assert counters.counters(store) == NONE | {"decisions_without_redis": 4}


@pytest.mark.timeout(20)
def test_counts_are_kept_while_the_server_hangs_and_added_once_when_it_wakes(own_server):
    store = store_at(own_server.url)
    assert answers(store)
    own_server.process.signal(signal.SIGSTOP)
    store.outage.decided()
    METRICS.forget()
    METRICS.refused("", "InvalidRequest")
    for _ in range(2):  # asks, then is refused
        with pytest.raises(RedisUnavailable):
            counters.flush(store)
    own_server.process.signal(signal.SIGCONT)
    wait_until(lambda: answers(store))
    assert counters.counters(store)["decisions_without_redis"] == 0
    counters.flush(store)
    assert counters.counters(store) == NONE | {"redis_outages": 1, "decisions_without_redis": 1}
    assert store.redis.hgetall(store.keys.metrics) == {'["completions","","InvalidRequest"]': "1"}
