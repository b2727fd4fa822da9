"""A worker of five slots: calls of one provider take three, and one is kept for urgent completions."""

import pytest
from celery import Celery
from pytest_celery import CeleryTestWorker

from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup, start_node
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, script
from tests.length import at_length
from tests.waiting import wait_until

SLOTS, OF_PROVIDER, COMMON = 5, 3, 4
URGENT = 3
LASTS = 8.0
"""Seconds of a slow call: what is to be answered meanwhile has LONG_BEFORE to do so."""

LONG_BEFORE = 5


@pytest.fixture
def celery_worker(fleet: Fleet, celery_setup_app: Celery, worker_environment: dict[str, str]) -> CeleryTestWorker:
    return start_node(fleet, celery_setup_app, "first", worker_environment, concurrency=SLOTS)


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {
        "LLAMA_CPP_BASE_URL": llmock.url,
        "FALLBACK_CHAINS__ALONE__PROVIDERS": '["claude"]',
        "FALLBACK_CHAINS__SPARE__PROVIDERS": '["openai"]',
    }


def slow(llmock: LLMock, **calls: int) -> None:
    """Lets each provider's next calls last; once none is pending, all are in flight. The journal lists ended ones."""
    for provider, times in calls.items():
        script(llmock, provider, "delay", times=times, seconds=LASTS)


@at_length
def test_a_provider_that_has_its_share_is_skipped_for_the_next(celery_setup: LocalSetup, llmock: LLMock) -> None:
    slow(llmock, claude=OF_PROVIDER)
    silent = [celery_setup.complete(QUESTION) for _ in range(OF_PROVIDER)]
    wait_until(lambda: not llmock.pending())
    result = celery_setup.complete(QUESTION).get(timeout=LONG_BEFORE)
    assert attempts_of(result) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert result["fallback"]["attempts"][0]["reason"] == "bulkhead"
    assert all(attempts_of(each.get(timeout=30)) == [("claude", "success")] for each in silent)


def test_what_has_no_other_provider_waits_without_a_slot_and_is_answered(
    celery_setup: LocalSetup, llmock: LLMock
) -> None:
    slow(llmock, claude=OF_PROVIDER)
    alone = [celery_setup.complete(QUESTION, "alone") for _ in range(2 * OF_PROVIDER)]
    wait_until(lambda: not llmock.pending())
    other = celery_setup.complete(QUESTION, "spare").get(timeout=LONG_BEFORE)
    assert attempts_of(other) == [("openai", "success")]
    answered = [each.get(timeout=60) for each in alone]
    assert {attempts_of(each)[-1] for each in answered} == {("claude", "success")}
    assert sum("skipped" in dict(attempts_of(each)[:-1]).values() for each in answered) >= OF_PROVIDER
    assert len(calls(llmock, "claude")) == 2 * OF_PROVIDER


def test_an_urgent_completion_has_a_slot_while_all_others_are_busy(celery_setup: LocalSetup, llmock: LLMock) -> None:
    slow(llmock, claude=OF_PROVIDER, llama_cpp=COMMON - OF_PROVIDER)
    script(llmock, "llama_cpp", "delay", seconds=LASTS)  # what a common slot too many would begin
    patient = [celery_setup.complete(QUESTION) for _ in range(2 * SLOTS)]
    wait_until(lambda: len(llmock.pending()) == 1)
    urgent = celery_setup.complete(QUESTION, "spare", priority=URGENT)
    assert attempts_of(urgent.get(timeout=LONG_BEFORE)) == [("openai", "success")]
    assert sum(each.ready() for each in patient) == 0
    assert all(attempts_of(each.get(timeout=60))[-1][1] == "success" for each in patient)
