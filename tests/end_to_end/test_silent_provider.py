"""A provider that falls silent after it was known to be quick: no call of it lasts as long as `first_token_timeout`."""

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, script
from tests.waiting import wait_until
from worker.admission import breaker
from worker.admission.breaker import Attempted
from worker.admission.first_tokens import LEARNED, Lesson

TIMEOUT = 60.0


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {
        "FALLBACK_BREAKER__COOLDOWN_PERIOD": "60",
        "FALLBACK_PROVIDERS__CLAUDE__FIRST_TOKEN_TIMEOUT": str(TIMEOUT),
        "FALLBACK_CHAINS__ALONE__PROVIDERS": '["claude"]',
    }


def learn(setup: LocalSetup) -> None:
    """Records answers whose first token came after 400 ms: this machine's own, when it is busy, scatter too far."""
    store = setup.store
    reply = store.run(breaker.acquire(store, "", "", "", ["claude"]))[0]
    permit = breaker.parse_acquire_reply(reply, "", ["claude"]).permit
    assert permit
    answered = Attempted(permit, "success", 500, first_token_ms=400, lesson=Lesson("default", tokens=20))
    store.run(*(breaker.record(store, f"taught-{i}", "", "", answered, ()) for i in range(LEARNED)))


def test_a_call_that_is_later_than_usual_goes_to_the_next_and_is_no_failure(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    learn(shared_setup)
    script(llmock, "claude", "delay", times=1, seconds=TIMEOUT)
    result = shared_setup.complete(QUESTION).get(timeout=TIMEOUT / 2)
    assert attempts_of(result) == [("claude", "timeout"), ("llama_cpp", "success")]
    assert result["fallback"]["attempts"][0]["reason"] == "learned_limit"
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30)) == [("claude", "success")]


def test_silent_calls_open_the_breaker_before_any_of_them_times_out(shared_setup: LocalSetup, llmock: LLMock) -> None:
    learn(shared_setup)
    script(llmock, "claude", "delay", seconds=TIMEOUT)
    silent = [shared_setup.complete(QUESTION) for _ in range(6)]
    assert {attempts_of(each.get(timeout=TIMEOUT / 2))[-1] for each in silent} == {("llama_cpp", "success")}

    def opened() -> list[str]:
        return [event["cause"] for event in shared_setup.events() if event["type"] == "circuit-breaker-open"]

    wait_until(opened, TIMEOUT / 2)
    assert opened() == ["stalled"]
    assert attempts_of(shared_setup.complete(QUESTION).get(timeout=30))[0] == ("claude", "skipped")


def test_without_another_provider_a_late_call_goes_on(shared_setup: LocalSetup, llmock: LLMock) -> None:
    learn(shared_setup)
    script(llmock, "claude", "delay", times=1, seconds=5.0)
    assert attempts_of(shared_setup.complete(QUESTION, "alone").get(timeout=30)) == [("claude", "success")]
