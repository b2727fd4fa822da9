"""A worker that is killed with a call in flight."""

import time

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.deliveries import deliver_again
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail, script
from tests.length import at_length
from tests.waiting import wait_until

REDELIVERED_WITHIN = 20.0


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"LLAMA_CPP_BASE_URL": llmock.url}


def test_another_worker_answers_and_reports_what_was_asked_before(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529, times=4)
    script(llmock, "llama_cpp", "delay", times=1, seconds=15.0)
    result = celery_setup.complete(QUESTION)
    wait_until(lambda: not llmock.pending())
    celery_setup.start_worker("second")
    worker.kill()
    killed = time.monotonic()
    answer = result.get(timeout=2 * REDELIVERED_WITHIN)
    assert time.monotonic() - killed < REDELIVERED_WITHIN
    local = [("llama_cpp", "worker-died"), ("llama_cpp", "success")]
    assert attempts_of(answer) == [("claude", "overloaded")] * 4 + local
    assert len(calls(llmock, "claude")) == 4


def test_all_that_it_had_in_hand_is_answered_once(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    script(llmock, "claude", "delay", times=25, seconds=8.0)
    results = [celery_setup.complete(QUESTION) for _ in range(25)]
    wait_until(lambda: not llmock.pending())
    assert celery_setup.store.redis.hlen("{fallback}:2:unacked") == 25
    celery_setup.start_worker("second")
    worker.kill()
    answers = [result.get(timeout=60) for result in results]
    assert {answer["fallback"]["provider"] for answer in answers} == {"claude"}
    assert len({answer["id"] for answer in answers}) == 25


@at_length
def test_a_second_delivery_that_finds_it_at_work_carries_on_when_it_crashes(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=60.0)
    result = celery_setup.complete(QUESTION)
    wait_until(lambda: not llmock.pending())
    celery_setup.app.control.cancel_consumer("completions", destination=[worker.hostname()], reply=True)
    second = celery_setup.start_worker("second")
    wait_until(lambda: deliver_again(celery_setup) or f"[{result.id}] retry:" in second.logs())
    worker.kill()
    assert attempts_of(result.get(timeout=60)) == [("claude", "worker-died"), ("claude", "success")]
