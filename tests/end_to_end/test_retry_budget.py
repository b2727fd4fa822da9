"""What a completion does whose provider has no retry left in its budget: it goes on, or waits; it does not fail."""

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail

LIMIT = 60


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    """With so many retries a minute one that is a little over its budget is due soon."""
    return {
        "FALLBACK_BREAKER__RETRY_BUDGET__MIN_PER_MINUTE": str(LIMIT),
        "FALLBACK_CHAINS__DEFAULT__RETRY__INITIAL_BACKOFF": "0.01",
        "FALLBACK_CHAINS__LOW_COST__PROVIDERS": '["claude"]',
        "FALLBACK_CHAINS__LOW_COST__RETRY__INITIAL_BACKOFF": "0.01",
    }


def use_up(setup: LocalSetup, retries: float) -> None:
    """Writes that so many retries of claude were granted just now."""
    assert attempts_of(setup.complete(QUESTION).get(timeout=30)) == [("claude", "success")]
    seconds, micros = map(int, setup.store.run(("TIME",))[0])
    spent = ("budget_retries", round(1_000_000 * retries), "budget_at", 1000 * seconds + micros // 1000)
    setup.store.run(("HSET", setup.store.keys.breaker("claude"), *spent))


def test_a_retry_beyond_the_budget_is_the_next_provider_s_and_the_report_says_why(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    use_up(shared_setup, 10 * LIMIT)
    fail(llmock, "claude", 529)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "overloaded"), ("claude", "skipped"), ("llama_cpp", "success")]
    skipped = result["fallback"]["attempts"][1]
    assert skipped["reason"] == "retry-budget"
    assert skipped["until"] > skipped["at"] + 60


def test_where_nobody_else_is_left_the_retry_is_made_when_the_budget_has_room(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    use_up(shared_setup, 1.03 * LIMIT)
    before = len(calls(llmock, "claude"))
    fail(llmock, "claude", 529, times=1)
    result = shared_setup.complete(QUESTION, "low-cost").get(timeout=30)
    assert attempts_of(result) == [("claude", "overloaded"), ("claude", "skipped"), ("claude", "success")]
    failed, skipped, answered = result["fallback"]["attempts"]
    assert (failed["status"], skipped["reason"]) == (529, "retry-budget")
    assert answered["at"] > failed["at"] + 1
    assert len(calls(llmock, "claude")) == before + 2
