"""What a provider says of the caller: too fast, out of money, a bad key, a refusal."""

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail
from worker.admission import breaker
from worker.admission.breaker import Snapshot
from worker.errors import ContentRefused


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_PROVIDERS__CLAUDE__ERRORS": '{"418": "quota-exhausted"}'}


def of_claude(setup: LocalSetup) -> Snapshot:
    return breaker.snapshot(setup.store, ["claude"])[0]


def kinds(setup: LocalSetup) -> list[str]:
    return [event["type"] for event in setup.events()]


def test_a_short_retry_after_is_waited_out(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 429, times=1, retry_after=2)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "rate-limited"), ("claude", "success")]
    limited, answered = calls(llmock, "claude")
    assert answered["started_at"] - limited["ended_at"] >= 2
    assert "retry_after_ignored" not in str(llmock.verdict())


def test_meanwhile_others_pass_it_over(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 429, times=1, retry_after=60)
    first, second = (shared_setup.complete(QUESTION).get(timeout=30) for _ in range(2))
    assert attempts_of(first) == [("claude", "rate-limited"), ("llama_cpp", "success")]
    assert attempts_of(second) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert second["fallback"]["attempts"][0]["reason"] == "rate-limited"
    assert len(calls(llmock, "claude")) == 1


def test_a_rate_limit_is_no_failure_of_the_breaker(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 429, times=1, retry_after=60)
    shared_setup.complete(QUESTION).get(timeout=30)
    snapshot = of_claude(shared_setup)
    assert (snapshot.state, snapshot.consecutive_failures, snapshot.count) == ("closed", 0, 0)


def test_a_spent_quota_opens_at_once_and_for_minutes(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 402, times=1)
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", "quota-exhausted")
    snapshot = of_claude(shared_setup)
    assert (snapshot.state, snapshot.quota) == ("open", 1)
    assert snapshot.open_until - snapshot.now > 500
    assert len(calls(llmock, "claude")) == 1


def test_a_bad_key_locks_its_provider_out(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 401, times=1)
    for outcome in ("authentication", "skipped"):
        assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", outcome)
    assert of_claude(shared_setup).auth_locked
    assert kinds(shared_setup).count("provider-auth-locked") == 1
    assert len(calls(llmock, "claude")) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_misconfigured_provider_is_left_at_once_and_not_counted(
    shared_setup: LocalSetup, llmock: LLMock, status: int
) -> None:
    fail(llmock, "claude", status)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "misconfigured"), ("llama_cpp", "success")]
    assert of_claude(shared_setup).consecutive_failures == 0


def test_a_prompt_too_long_goes_to_a_larger_window_only(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 413)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    # The window of llama_cpp is unknown.
    assert attempts_of(result) == [("claude", "too-large"), ("llama_cpp", "success")]


def test_a_refusal_ends_the_chain(shared_setup: LocalSetup, llmock: LLMock) -> None:
    llmock.script({"type": "reply", "text": "No.", "finish_reason": "content_filter", "times": None})
    with pytest.raises(ContentRefused, match=r"^llama_cpp: refused"):
        shared_setup.complete(QUESTION, "low-cost").get(timeout=30)
    assert len(llmock.requests()) == 1


def test_a_row_of_the_configuration_says_what_a_failure_means(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 418, times=1)
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", "quota-exhausted")
    assert of_claude(shared_setup).state == "open"
