"""Who waits for whom: shares of a deadline, time-outs, Retry-Afters, and providers that will admit soon."""

import time
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail, script
from tests.waiting import wait_until
from worker.admission import breaker
from worker.errors import ChainExhausted

LIMIT = 4.0


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    alone = {"FALLBACK_CHAINS__ALONE__PROVIDERS": '["claude"]'}
    pair = {"FALLBACK_CHAINS__PAIR__PROVIDERS": '["claude", "openai"]'}
    plain = {
        "FALLBACK_CHAINS__PLAIN__PROVIDERS": '["llama_cpp", "openai"]',
        "FALLBACK_PROVIDERS__LLAMA_CPP__STREAM": "no",
    }
    limits = {"FALLBACK_PROVIDERS__CLAUDE__FIRST_TOKEN_TIMEOUT": str(LIMIT)}
    return {**alone, **pair, **plain, **limits, "FALLBACK_PROVIDERS__LLAMA_CPP__ATTEMPT_TIMEOUT": str(LIMIT)}


def timed(setup: LocalSetup, chain: str, **fields: Any) -> tuple[dict[str, Any], float]:
    started = time.monotonic()
    result: dict[str, Any] = setup.complete({**QUESTION, **fields}, chain).get(timeout=60)
    return result, time.monotonic() - started


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_longer_retry_after_goes_on_at_once_for_every_class(
    shared_setup: LocalSetup, llmock: LLMock, status: int
) -> None:
    fail(llmock, "claude", status, retry_after=60)
    result, seconds = timed(shared_setup, "pair")
    assert (result["fallback"]["provider"], len(calls(llmock, "claude"))) == ("openai", 1)
    assert seconds < 1
    limited = breaker.snapshot(shared_setup.store, ["claude"])[0]
    assert limited.limited_until - limited.now > 55


@pytest.mark.parametrize(("chain", "slow"), [("pair", "claude"), ("plain", "llama_cpp")], ids=["streamed", "plain"])
def test_a_deadline_leaves_time_for_the_next_provider(
    shared_setup: LocalSetup, llmock: LLMock, chain: str, slow: str
) -> None:
    script(llmock, slow, "delay", seconds=10.0)
    result, seconds = timed(shared_setup, chain, timeout=3.0)
    assert attempts_of(result) == [(slow, "share-spent"), ("openai", "success")]
    assert 1.3 < seconds < 2.5
    # It had 1.5 s of its 4: too little to say anything of the provider.
    assert breaker.snapshot(shared_setup.store, [slow])[0].failed == 0


def test_a_share_of_half_the_limit_counts(shared_setup: LocalSetup, llmock: LLMock) -> None:
    script(llmock, "claude", "delay", seconds=10.0)
    result, _ = timed(shared_setup, "pair", timeout=5.0)
    assert attempts_of(result) == [("claude", "share-spent"), ("openai", "success")]
    assert breaker.snapshot(shared_setup.store, ["claude"])[0].failed == 1


def test_who_does_not_admit_gets_no_share(shared_setup: LocalSetup, llmock: LLMock) -> None:
    breaker.control(shared_setup.store, "openai", "open", by="a test")
    script(llmock, "claude", "delay", seconds=1.5)
    result, _ = timed(shared_setup, "pair", timeout=2.5)
    assert attempts_of(result) == [("claude", "success")]


def test_an_attempt_with_a_token_is_not_cut_for_others(shared_setup: LocalSetup, llmock: LLMock) -> None:
    script(llmock, "claude", "reply", text=" ".join(["word"] * 40))
    script(llmock, "claude", "stream_fault", kind="stall", after_chunks=12, stall_seconds=1.8)
    result, seconds = timed(shared_setup, "pair", timeout=3.0)
    assert (attempts_of(result), seconds > 1.8) == ([("claude", "success")], True)


def test_a_lone_provider_that_is_rate_limited_for_a_second_is_waited_for(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 429, 1, retry_after=1)
    first, second = (shared_setup.complete(QUESTION, "alone") for _ in range(2))
    answers = [pending.get(timeout=30)["fallback"] for pending in (first, second)]
    assert [report["provider"] for report in answers] == ["claude", "claude"]
    assert len(calls(llmock, "claude")) == 3


def test_whom_the_fleet_leaves_alone_for_a_second_is_waited_for_by_the_next_completion_too(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 429, 1, retry_after=2)
    pending = shared_setup.complete(QUESTION, "alone")
    wait_until(lambda: breaker.snapshot(shared_setup.store, ["claude"])[0].limited_until)
    result, seconds = timed(shared_setup, "alone")
    assert attempts_of(result) == [("claude", "skipped"), ("claude", "success")]
    assert 1 < seconds < 4
    pending.get(timeout=30)


def test_a_lone_provider_that_is_away_for_longer_is_not(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 429, retry_after=60)
    started = time.monotonic()
    with pytest.raises(ChainExhausted, match="claude: rate-limited 429"):
        shared_setup.complete(QUESTION, "alone").get(timeout=30)
    assert time.monotonic() - started < 1
