"""Breakers as the fleet sees them: opened by five failures, skipped, tried again, closed."""

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail
from tests.waiting import wait_until
from worker.admission import breaker

FOREVER = "600"


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    """claude stays open for as long as a test looks; llama_cpp's cooldown is one that a test waits for."""
    return {
        "FALLBACK_PROVIDERS__CLAUDE__BREAKER__COOLDOWN_PERIOD": FOREVER,
        "FALLBACK_PROVIDERS__LLAMA_CPP__BREAKER__COOLDOWN_PERIOD": "0.5",
        "FALLBACK_CHAINS__LOCAL_FIRST__RETRY__INITIAL_BACKOFF": "0.1",
    }


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"FALLBACK_BREAKER__COOLDOWN_PERIOD": FOREVER, "LLAMA_CPP_BASE_URL": llmock.url}


def ask(setup: LocalSetup, chain: str = "default") -> list[tuple[str, str]]:
    return attempts_of(setup.complete(QUESTION, chain).get(timeout=30))


def circuit(setup: LocalSetup) -> list[tuple[str, str]]:
    return [(e["provider"], e["type"]) for e in setup.events() if e["type"].startswith("circuit-breaker")]


def test_the_fifth_failure_opens_and_ends_the_retries(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529)
    assert ask(shared_setup) == [("claude", "overloaded")] * 4 + [("llama_cpp", "success")]
    assert circuit(shared_setup) == []
    assert ask(shared_setup) == [("claude", "overloaded"), ("llama_cpp", "success")]
    assert circuit(shared_setup) == [("claude", "circuit-breaker-open")]


def test_an_open_breaker_is_skipped_without_a_call(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529, times=5)
    for _ in range(2):
        ask(shared_setup)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "skipped"), ("llama_cpp", "success")]
    skipped = result["fallback"]["attempts"][0]
    assert (skipped["reason"], skipped["latency_ms"], skipped["status"]) == ("open", None, None)
    assert skipped["until"] > skipped["at"] + 500
    assert len(calls(llmock, "claude")) == 5


def test_after_the_cooldown_two_successes_close(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "llama_cpp", 500, times=5)
    for _ in range(3):  # three tries each on this chain
        ask(shared_setup, "local-first")
    wait_until(lambda: ask(shared_setup, "local-first") == [("llama_cpp", "success")])
    assert circuit(shared_setup)[-1] == ("llama_cpp", "circuit-breaker-half-open")
    assert ask(shared_setup, "local-first") == [("llama_cpp", "success")]
    states = ("open", "half-open", "closed")
    assert circuit(shared_setup) == [("llama_cpp", f"circuit-breaker-{state}") for state in states]


def test_a_failure_while_half_open_opens_for_longer(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "llama_cpp", 500, times=6)
    for _ in range(3):
        ask(shared_setup, "local-first")
    wait_until(lambda: ask(shared_setup, "local-first")[0] == ("llama_cpp", "transient"))
    first, _, second = [e for e in shared_setup.events() if e["type"].startswith("circuit-breaker")]
    assert (second["type"], second["cause"], second["opens"]) == ("circuit-breaker-open", "failed-while-half-open", "2")

    def length(event: dict[str, str]) -> int:
        return int(event["open_until_ms"]) - int(event["at_ms"])

    assert length(second) > 1.5 * length(first)


def test_one_requests_failures_alone_do_not_open(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529)
    ask(shared_setup)
    [snapshot] = breaker.snapshot(shared_setup.store, ["claude"])
    assert (snapshot.state, snapshot.consecutive_failures, snapshot.count) == ("closed", 4, 4)


def test_two_workers_share_one_breaker(celery_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529, times=5)
    for _ in range(2):
        assert ask(celery_setup)[-1] == ("llama_cpp", "success")
    celery_setup.start_worker("second")
    celery_setup.worker.kill()
    assert ask(celery_setup) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert len(calls(llmock, "claude")) == 5
