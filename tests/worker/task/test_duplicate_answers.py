"""Duplicate answers: those that come when their task has an outcome already; on real servers."""

import json

import pytest

from tests.worker.admission.clocked_breaker import T0, ClockedBreaker
from tests.worker.task.deliveries import begin
from worker.errors import ChainExhausted
from worker.task import lease
from worker.task.outcome import stored_result
from worker.telemetry.counters import counters

REPORT = json.dumps({"provider": "alpha", "cost_usd": 0.25})


@pytest.fixture
def store(every_redis):
    return ClockedBreaker(every_redis).store


def finish(store, lease_id, outcome, report=REPORT):
    return store.run(lease.finish(store, "task", lease_id, outcome, report))[0]


def answered(store, said):
    finish(store, "a", {"said": said, "fallback": {}})


def duplicates(store):
    begun = begin(store, "another")
    return stored_result(begun.answer, begun.duplicates)["fallback"].get("duplicates")


def test_the_first_answer_is_no_duplicate(store):
    answered(store, "hello")
    assert (duplicates(store), counters(store)["duplicate_answers"]) == (None, 0)


def test_each_duplicate_is_in_the_result_of_whoever_asks_next(store):
    answered(store, "hello")
    for provider in ("beta", "gamma"):
        finish(store, "b", {"said": "late"}, json.dumps({"provider": provider}))
    assert duplicates(store) == [{"provider": "beta"}, {"provider": "gamma"}]


def test_each_duplicate_is_counted(store):
    answered(store, "hello")
    finish(store, "b", {"said": "late"})
    finish(store, "c", {"said": "later"})
    assert counters(store)["duplicate_answers"] == 2


def test_each_duplicate_is_an_event_that_names_the_task_and_who_answered(store):
    answered(store, "hello")
    finish(store, "b", {"said": "late"})
    [(_, event)] = store.redis.xrange(store.keys.events)
    assert event == {"type": "duplicate-answer", "provider": "alpha", "at_ms": str(T0), "request": "task"}


def test_an_answer_after_a_failure_is_a_duplicate_too(store):
    finish(store, "a", ChainExhausted("nobody"), "")
    finish(store, "b", {"said": "late"})
    assert counters(store)["duplicate_answers"] == 1


def test_a_failure_after_an_answer_is_no_duplicate(store):
    answered(store, "hello")
    finish(store, "b", ChainExhausted("late"), "")
    assert (duplicates(store), counters(store)["duplicate_answers"]) == (None, 0)


def test_the_later_delivery_itself_returns_the_answer_as_it_was_delivered(store):
    answered(store, "hello")
    assert stored_result(finish(store, "b", {"said": "late"})) == {"said": "hello", "fallback": {}}
