"""The time from queueing to answer, whatever it is spent on."""

import pytest
from celery.exceptions import TaskRevokedError

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, calls, fail, script
from worker.admission import breaker
from worker.errors import DeadlineExceeded

OURS = "from tasks import complete; print(complete.delay({request!r}, chain={chain!r}).id)"


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {
        "FALLBACK_CHAINS__LOW_COST__TIMEOUT": "1",
        "FALLBACK_CHAINS__LOCAL_FIRST__RETRY__MAX_RETRIES": "20",
        "FALLBACK_CHAINS__LOCAL_FIRST__RETRY__INITIAL_BACKOFF": "0.4",
        "FALLBACK_CHAINS__LOCAL_FIRST__RETRY__MULTIPLIER": "1",
        "FALLBACK_BREAKER__FAILURE_THRESHOLD": "100",
    }


def in_time(seconds: float) -> dict[str, object]:
    return {**QUESTION, "timeout": seconds}


def all_slow(llmock: LLMock) -> None:
    for provider in ("claude", "llama_cpp", "openai"):
        script(llmock, provider, "delay", seconds=5.0)


def failures(setup: LocalSetup) -> int:
    return sum(
        snapshot.consecutive_failures for snapshot in breaker.snapshot(setup.store, ["claude", "llama_cpp", "openai"])
    )


def test_a_requests_timeout_cuts_a_slow_answer(shared_setup: LocalSetup, llmock: LLMock) -> None:
    all_slow(llmock)
    with pytest.raises(DeadlineExceeded) as failed:
        shared_setup.complete(in_time(0.9)).get(timeout=30)
    ends = "claude: share-spent, share; llama_cpp: share-spent, share; openai: cut-short, deadline"
    assert str(failed.value) == f"the deadline passed on chain 'default': {ends}"
    assert failures(shared_setup) == 0


def test_an_answer_that_trickles_is_cut_too(shared_setup: LocalSetup, llmock: LLMock) -> None:
    script(llmock, "claude", "stream_fault", kind="stall", after_chunks=8, stall_seconds=5.0)
    with pytest.raises(DeadlineExceeded):
        shared_setup.complete(in_time(0.5)).get(timeout=30)
    assert failures(shared_setup) == 0


def test_a_chains_timeout_holds_where_the_request_names_none(shared_setup: LocalSetup, llmock: LLMock) -> None:
    all_slow(llmock)
    with pytest.raises(DeadlineExceeded, match="'low-cost'"):
        shared_setup.complete(QUESTION, "low-cost").get(timeout=30)


def test_a_requests_timeout_may_be_longer_than_its_chains(shared_setup: LocalSetup, llmock: LLMock) -> None:
    script(llmock, "llama_cpp", "delay", times=1, seconds=1.5)
    result = shared_setup.complete(in_time(20), "low-cost").get(timeout=30)
    assert result["fallback"]["provider"] == "llama_cpp"


def test_retries_count(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "llama_cpp", 500)
    script(llmock, "claude", "delay", seconds=5.0)
    script(llmock, "openai", "delay", seconds=5.0)
    with pytest.raises(DeadlineExceeded) as failed:
        shared_setup.complete(in_time(1.5), "local-first").get(timeout=30)
    tries = len(calls(llmock, "llama_cpp"))
    assert tries > 1
    # Whether time is left for the others after the last retry depends on the draw of its backoff.
    assert f"Internal server error. ({tries} attempts)" in str(failed.value)


def test_a_retry_that_would_come_too_late_is_the_next_providers_turn(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 503, retry_after=4)
    result = shared_setup.complete(in_time(3)).get(timeout=30)
    assert result["fallback"]["provider"] == "llama_cpp"
    assert len(calls(llmock, "claude")) == 1


def test_expires_of_a_producer_by_name_is_its_deadline(shared_setup: LocalSetup, llmock: LLMock) -> None:
    all_slow(llmock)
    with pytest.raises(DeadlineExceeded):
        shared_setup.complete(QUESTION, expires=1).get(timeout=30)


def test_the_wait_in_the_queue_counts(celery_setup: LocalSetup, llmock: LLMock) -> None:
    celery_setup.worker.kill()
    program = OURS.format(request=in_time(0.5), chain="default")
    ours = celery_setup.app.AsyncResult(celery_setup.in_this_code_base(program).strip())
    expired = celery_setup.complete(QUESTION, expires=0.5)
    patient = celery_setup.complete(QUESTION, expires=60)
    celery_setup.worker.restart()
    assert patient.get(timeout=30)["fallback"]["provider"] == "claude"
    with pytest.raises(DeadlineExceeded, match="no provider was asked yet; llama_cpp: skipped"):
        ours.get(timeout=30)
    with pytest.raises(TaskRevokedError, match="expired"):
        expired.get(timeout=30)
    assert len(llmock.requests()) == 1
