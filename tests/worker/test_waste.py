"""Answers that come when another outcome stands for their task; on real servers."""

import json

import pytest

from tests.worker.clocked_breaker import T0, ClockedBreaker
from tests.worker.leases import begin
from worker import lease
from worker.errors import ChainExhausted
from worker.metrics import counters

SPENT = json.dumps({"provider": "alpha", "cost_usd": 0.25})


@pytest.fixture
def store(every_redis):
    return ClockedBreaker(every_redis).store


def finish(store, token, outcome, spent=SPENT):
    return store.run(lease.finish(store, "task", token, outcome, spent))[0]


def answered(store, said):
    finish(store, "a", {"said": said, "fallback": {}})


def wasted(store):
    begun = begin(store, "another")
    return lease.standing(begun.answer, begun.wasted)["fallback"].get("wasted")


def test_the_first_answer_is_no_waste(store):
    answered(store, "hello")
    assert (wasted(store), counters(store)["wasted_answers"]) == (None, 0)


def test_each_later_answer_is_told_by_whoever_asks_next(store):
    answered(store, "hello")
    for provider in ("beta", "gamma"):
        finish(store, "b", {"said": "late"}, json.dumps({"provider": provider}))
    assert wasted(store) == [{"provider": "beta"}, {"provider": "gamma"}]


def test_each_later_answer_is_counted(store):
    answered(store, "hello")
    finish(store, "b", {"said": "late"})
    finish(store, "c", {"said": "later"})
    assert counters(store)["wasted_answers"] == 2


def test_each_later_answer_is_an_event_that_names_the_task_and_who_answered(store):
    answered(store, "hello")
    finish(store, "b", {"said": "late"})
    [(_, told)] = store.redis.xrange(store.events)
    assert told == {"type": "answer-wasted", "provider": "alpha", "at_ms": str(T0), "request": "task"}


def test_an_answer_after_a_failure_is_waste_too(store):
    finish(store, "a", ChainExhausted("nobody"), "")
    finish(store, "b", {"said": "late"})
    assert counters(store)["wasted_answers"] == 1


def test_a_failure_after_an_answer_wastes_nothing(store):
    answered(store, "hello")
    finish(store, "b", ChainExhausted("late"), "")
    assert (wasted(store), counters(store)["wasted_answers"]) == (None, 0)


def test_the_late_delivery_itself_gives_the_answer_as_it_was_delivered(store):
    answered(store, "hello")
    assert lease.standing(finish(store, "b", {"said": "late"})) == {"said": "hello", "fallback": {}}
