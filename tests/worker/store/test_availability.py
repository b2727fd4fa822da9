"""What a process knows of an outage of the shared store."""

import re
import time

from redis.exceptions import ConnectionError as RedisConnectionError

from tests.waiting import wait_until
from tests.worker.store.stores import answers, store_at
from worker.chain import without_redis
from worker.store.availability import Outage

GONE = RedisConnectionError("it is gone")


def gone():
    """Returns an outage that has just begun."""
    outage = Outage()
    outage.failed(time.monotonic(), GONE)
    return outage


def test_it_is_said_once_when_the_store_goes_and_once_when_it_is_back(own_server, caplog):
    store = store_at(own_server.url)
    assert answers(store)
    own_server.process.kill()
    for _ in range(30):
        assert not answers(store)
        without_redis.decide(store, ["alpha"])
    own_server.process.start()
    wait_until(lambda: answers(store))
    assert answers(store)
    went, came = caplog.messages
    assert went == "redis-unavailable error=ConnectionError"
    assert re.fullmatch(r"redis-back seconds=\d+\.\d decisions=30", came)


def test_of_many_who_might_ask_again_one_does():
    outage = gone()
    assert outage.refusal() is GONE
    wait_until(lambda: outage.refusal() is None)
    assert outage.refusal() is GONE


def test_an_answer_to_who_asked_again_ends_it():
    outage = gone()
    outage.answered(time.monotonic())
    assert outage.refusal() is None


def test_a_call_that_was_made_before_it_went_ends_nothing():
    before = time.monotonic()
    outage = gone()
    outage.answered(before)
    assert outage.refusal() is GONE


def test_a_call_that_was_made_before_it_came_back_begins_nothing():
    outage = gone()
    before = time.monotonic()
    outage.answered(time.monotonic())
    outage.failed(before, GONE)
    assert outage.refusal() is None
    assert outage.take() == {"redis_outages": 1}


def test_calls_that_fail_together_are_one_outage():
    before = time.monotonic()
    outage = gone()
    outage.failed(before, GONE)
    outage.failed(time.monotonic(), GONE)
    assert outage.take() == {"redis_outages": 1}


def test_what_was_taken_is_not_there_again():
    outage = gone()
    outage.decided()
    assert outage.take() == {"redis_outages": 1, "decisions_without_redis": 1}
    assert not outage.counted
    assert outage.take() == {}
