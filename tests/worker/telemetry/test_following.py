"""`follow`: events as they happen, over an outage, until it is closed."""

import threading

import pytest

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import answers, store_at
from worker.admission.breaker import control
from worker.telemetry.events import START, Follower


def force(store, *names):
    for name in names:
        control(store, "alpha", "open", by=name)


def heard_by(follower):
    """Follows in a thread; returns what is heard, and the thread."""
    heard = []

    def listen():
        for entry in follower:
            heard.append(entry.event["by"])

    thread = threading.Thread(target=listen)
    thread.start()
    return heard, thread


def test_new_events_come_in_order_each_with_its_id(every_redis):
    store = store_at(url(every_redis))
    force(store, "before")
    newest = int(every_redis.xrevrange(store.keys.events, count=1)[0][0].split("-")[0])
    wait_until(lambda: every_redis.time()[0] * 1000 + every_redis.time()[1] // 1000 > newest + 1)
    with Follower(store) as events:
        force(store, "one", "two")
        found = [next(events), next(events)]
    assert [entry.event["by"] for entry in found] == ["one", "two"]
    assert [entry.id for entry in found] == [id_ for id_, _ in every_redis.xrange(store.keys.events)][1:]


def test_it_goes_on_after_an_id_or_from_the_start(redis):
    store = store_at(url(redis))
    force(store, "one", "two", "three")
    with Follower(store, START) as events:
        first = next(events)
        assert first.event["by"] == "one"
    with Follower(store, first.id) as events:
        assert [next(events).event["by"] for _ in range(2)] == ["two", "three"]


def test_it_ends_when_it_is_closed_by_another_thread(redis):
    follower = Follower(store_at(url(redis)))
    heard, thread = heard_by(follower)
    follower.close()
    thread.join(5)
    assert not thread.is_alive()
    assert heard == []
    with pytest.raises(StopIteration):
        next(follower)


@pytest.mark.timeout(60)
def test_it_goes_on_after_an_outage(own_server):
    store = store_at(own_server.url)
    force(store, "before")
    follower = Follower(store, START)
    heard, thread = heard_by(follower)
    wait_until(lambda: heard == ["before"])
    own_server.process.kill()
    own_server.process.start()
    wait_until(lambda: answers(store))
    force(store, "after")
    wait_until(lambda: heard[-1:] == ["after"])
    follower.close()
    thread.join(5)
    assert not thread.is_alive()
