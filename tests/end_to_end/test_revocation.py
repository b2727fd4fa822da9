"""A completion that its producer takes back."""

from collections.abc import Iterator

import pytest
from celery.exceptions import TaskRevokedError

from tasks.local import llmock as simulated
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, calls, fail, script
from tests.waiting import wait_until
from worker.admission import breaker

LONG = {"type": "reply", "text": "word " * 400, "times": 1}


@pytest.fixture(scope="module")
def trickling(session_fleet: Fleet) -> Iterator[LLMock]:
    """Vendors that take 20 s for a long answer."""
    server = simulated.start(session_fleet, "--stream-chunk-delay-ms", "50", name="trickling")
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def shared_settings(trickling: LLMock) -> dict[str, str]:
    return {**trickling.environment, "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "2"}


def test_before_it_starts_no_provider_is_asked(shared_setup: LocalSetup, trickling: LLMock) -> None:
    trickling.reset()
    result = shared_setup.complete(QUESTION, countdown=1)
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=30)
    assert trickling.requests() == []


def test_between_two_tries_there_is_no_other(shared_setup: LocalSetup, trickling: LLMock) -> None:
    trickling.reset()
    fail(trickling, "claude", 500)
    result = shared_setup.complete(QUESTION)
    wait_until(lambda: len(calls(trickling, "claude")) == 1)
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=30)
    assert len(trickling.requests()) == 1


def test_in_mid_stream_the_call_is_cut_and_no_breaker_counts_it(shared_setup: LocalSetup, trickling: LLMock) -> None:
    trickling.reset()
    trickling.script(LONG)
    result = shared_setup.complete(QUESTION)
    wait_until(lambda: not trickling.pending())
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=10)
    wait_until(lambda: calls(trickling, "claude"))
    [call] = calls(trickling, "claude")
    assert not call["completed"]
    [snapshot] = breaker.snapshot(shared_setup.store, ["claude"])
    assert (snapshot.state, snapshot.count, snapshot.consecutive_failures) == ("closed", 0, 0)


def test_an_answer_that_was_there_first_stays(shared_setup: LocalSetup, trickling: LLMock) -> None:
    trickling.reset()
    result = shared_setup.complete(QUESTION)
    answer = result.get(timeout=30)
    result.revoke()
    assert shared_setup.app.AsyncResult(result.id).get(timeout=10) == answer


def test_an_open_call_is_not_held_up_by_a_revoked_one(shared_setup: LocalSetup, trickling: LLMock) -> None:
    trickling.reset()
    script(trickling, "claude", "delay", times=1, seconds=1.0)
    revoked, kept = shared_setup.complete(QUESTION), shared_setup.complete(QUESTION)
    revoked.revoke()
    assert kept.get(timeout=30)["fallback"]["provider"] == "claude"
    with pytest.raises(TaskRevokedError):
        revoked.get(timeout=30)
