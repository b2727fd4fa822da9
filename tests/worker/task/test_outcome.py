"""The one place of an answer: Celery's result, as a stock producer reads it; on real servers."""

import json

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import ClockedBreaker, url
from tests.worker.task.deliveries import begin
from worker.errors import ChainExhausted, ResultForgotten, Revoked
from worker.task import lease
from worker.task.outcome import stored_result
from worker.telemetry.counters import counters

ANSWER = {"said": 'Grüße, "世界" \n', "number": 0.1, "nothing": None, "fallback": {"attempts": []}}


@pytest.fixture
def store(every_redis):
    return ClockedBreaker(every_redis).store


@pytest.fixture
def result(every_redis):
    """The result of the task `task`, as a code base sees it that has Celery and nothing of ours."""
    app = Celery("elsewhere", broker=url(every_redis), backend=url(every_redis), set_as_current=False)
    return app.AsyncResult("task")


def finish(store, outcome, **options):
    begin(store, "a")
    return store.run(lease.finish(store, "task", "a", outcome, **options))[0]


def test_a_stock_producer_reads_an_answer(store, result):
    finish(store, ANSWER)
    assert result.get(timeout=5) == ANSWER
    assert (result.state, result.traceback, result.children) == ("SUCCESS", None, [])
    assert result.date_done


def test_a_stock_producer_that_waits_is_told(store, result):
    told = []
    result.then(lambda found: told.append(found.result))
    wait_until(lambda: store.redis.pubsub_numsub("celery-task-meta-task")[0][1])
    finish(store, ANSWER)
    wait_until(lambda: result.backend.result_consumer.drain_events(timeout=0.1) or told)
    assert told == [ANSWER]


def test_a_stock_producer_reads_a_failure(store, result):
    finish(store, ChainExhausted("nobody answered: claude: 500"))
    with pytest.raises(Exception, match="nobody answered") as raised:
        result.get(timeout=5)
    assert type(raised.value).__name__ == "ChainExhausted"


def test_a_stock_producer_reads_that_it_was_revoked(store, result):
    lease.revoke(store, ["task"])
    with pytest.raises(TaskRevokedError, match="revoked"):
        result.get(timeout=5)


def test_a_single_surrogate_of_an_answer_is_kept(store, result):
    finish(store, {"said": "\ud83d", "fallback": {}})
    assert result.get(timeout=5)["said"] == "\ud83d"


def test_the_task_s_keys_hold_no_text_of_an_answer(store):
    finish(store, {"said": "a secret", "fallback": {}})
    for key in store.redis.keys("{*"):
        assert b"secret" not in store.run(("DUMP", key), raw=True)[0]


def test_an_answer_is_kept_for_its_own_time_and_the_outcome_at_least_ten_minutes(store):
    finish(store, ANSWER, expires=2.5)
    assert store.redis.ttl("celery-task-meta-task") == 3
    assert store.redis.ttl(store.keys.task("task")) == lease.OUTCOME_KEPT


def test_whoever_asks_again_gets_the_answer(store):
    finish(store, ANSWER)
    found = begin(store, "b")
    assert (found.kind, stored_result(found.answer)) == ("answered", ANSWER)


def test_after_it_was_forgotten_whoever_asks_again_gets_an_error(store, result):
    finish(store, ANSWER)
    result.forget()
    found = begin(store, "b")
    assert found.kind == "answered"
    with pytest.raises(ResultForgotten, match=r"^task_id: "):
        stored_result(found.answer)


def test_an_error_that_was_stored_in_its_place_is_no_answer(store, result):
    finish(store, ANSWER)
    result.forget()
    result.backend.mark_as_failure("task", ResultForgotten("forgotten"))
    with pytest.raises(ResultForgotten, match=r"^task_id: "):
        stored_result(begin(store, "b").answer)


def test_a_settlement_whose_reply_was_lost_may_be_sent_again(store, result):
    begin(store, "a")
    settle = lease.finish(store, "task", "a", ANSWER, json.dumps({"provider": "alpha"}))
    assert store.run(settle, settle) == ["", ""]
    assert counters(store)["duplicate_answers"] == 0


@pytest.mark.parametrize("first", [ANSWER, ChainExhausted("nobody"), Revoked("by its producer")])
def test_the_first_outcome_stays_what_the_producer_gets(store, result, first):
    finish(store, first)
    stands = store.redis.get("celery-task-meta-task")
    assert finish(store, {"said": "late", "fallback": {}}) != ""
    assert store.redis.get("celery-task-meta-task") == stands


def test_an_answer_of_a_worker_of_the_commit_before_is_read(store):
    store.redis.hset(store.keys.task("task"), "answer", json.dumps({"result": ANSWER}))
    assert stored_result(begin(store, "b").answer) == ANSWER
