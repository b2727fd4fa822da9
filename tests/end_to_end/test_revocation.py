"""A completion that its producer takes back."""

import time
from collections.abc import Iterator

import pytest
from celery.exceptions import TaskRevokedError

from tasks.local import llmock as simulated
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tests.end_to_end.failing_server import FailingServer, closing, failing
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION, calls, fail, script
from tests.waiting import wait_until
from tests.worker.providers.bare_server import HEAD, stalls
from worker.admission import breaker

LONG = {"type": "reply", "text": "word " * 400, "times": 1}


@pytest.fixture(scope="module")
def trickling(session_fleet: Fleet) -> Iterator[LLMock]:
    """Vendors that take 20 s for a long answer."""
    server = simulated.start(session_fleet, "--stream-chunk-delay-ms", "50", name="trickling")
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def silent() -> Iterator[FailingServer]:
    """A provider that takes requests and says nothing."""
    with failing() as server:
        yield server


@pytest.fixture(scope="module")
def shared_settings(trickling: LLMock, silent: FailingServer) -> dict[str, str]:
    return {
        **trickling.environment,
        "LLAMA_CPP_BASE_URL": silent.url,
        "FALLBACK_CHAINS__SILENT__PROVIDERS": '["llama_cpp"]',
        "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "2",
    }


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


@pytest.mark.parametrize("terminate", [False, True])
@pytest.mark.parametrize("said", [(), (HEAD,)], ids=["before the head", "before the first token"])
def test_a_silent_call_is_closed_within_a_second(
    shared_setup: LocalSetup, silent: FailingServer, terminate: bool, said: tuple[bytes, ...]
) -> None:
    closed: list[float] = []
    silent.script(closing(closed, *said))
    before = len(silent.requests)
    result = shared_setup.complete(QUESTION, "silent")
    wait_until(lambda: len(silent.requests) > before)
    revoked = time.monotonic()
    result.revoke(terminate=terminate)
    with pytest.raises(TaskRevokedError):
        result.get(timeout=10)
    assert time.monotonic() - revoked < 1
    wait_until(lambda: closed)
    assert closed[0] - revoked < 1
    assert breaker.snapshot(shared_setup.store, ["llama_cpp"])[0].count == 0
    node = shared_setup.worker
    assert isinstance(node, LocalNode)
    assert "Traceback" not in node.process.output()


def test_a_silent_call_whose_lease_is_lost_is_closed(shared_setup: LocalSetup, silent: FailingServer) -> None:
    closed: list[float] = []
    silent.script(closing(closed), stalls())
    before = len(silent.requests)
    result = shared_setup.complete(QUESTION, "silent")
    wait_until(lambda: len(silent.requests) > before)
    shared_setup.store.redis.hset(shared_setup.store.keys.task(result.id), "holder", "another delivery")
    wait_until(lambda: closed)
    assert breaker.snapshot(shared_setup.store, ["llama_cpp"])[0].count == 0
    result.revoke()
