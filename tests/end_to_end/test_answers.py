"""One provider answers, or the next one does."""

import pytest
from openai.types.chat import ChatCompletion

from tasks.local.llama import Llama
from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail

REPORT = {"provider", "chain", "attempts", "cost_usd", "wasted_usd", "queued_ms", "elapsed_ms", "version"}
ATTEMPT = {"provider", "outcome", "at", "model", "reason", "status", "latency_ms", "first_token_ms", "until"}
BILL = {"tokens", "cost_usd"}


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_CHAINS__HIGH_PRIORITY__RETRY__INITIAL_BACKOFF": "0.1"}


def test_the_primary_answers_in_openais_shape(shared_setup: LocalSetup, llmock: LLMock) -> None:
    result = shared_setup.complete(QUESTION).get(timeout=30)
    parsed = ChatCompletion.model_validate(result)
    assert parsed.choices[0].message.content
    assert parsed.choices[0].finish_reason == "stop"
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == parsed.usage.prompt_tokens + parsed.usage.completion_tokens
    assert len(calls(llmock, "claude")) == len(llmock.requests()) == 1


def test_an_answers_message_goes_back_into_messages(shared_setup: LocalSetup, llmock: LLMock) -> None:
    message = shared_setup.complete(QUESTION).get(timeout=30)["choices"][0]["message"]
    again = {"messages": [*QUESTION["messages"], message, {"role": "user", "content": "And again."}]}
    for chain in ("default", "low-cost"):
        assert attempts_of(shared_setup.complete(again, chain).get(timeout=30))[0][1] == "success"
    assert [len(request["body"]["messages"]) for request in llmock.requests()] == [1, 3, 3]


def test_a_parsed_answers_message_goes_back_into_messages(shared_setup: LocalSetup) -> None:
    parsed = ChatCompletion.model_validate(shared_setup.complete(QUESTION).get(timeout=30))
    message = parsed.choices[0].message.model_dump()
    again = {"messages": [*QUESTION["messages"], message, {"role": "user", "content": "And again."}]}
    assert shared_setup.complete(again).get(timeout=30)["fallback"]["provider"] == "claude"


def test_a_result_has_its_whole_report(shared_setup: LocalSetup) -> None:
    report = shared_setup.complete(QUESTION).get(timeout=30)["fallback"]
    assert set(report) == REPORT
    assert (report["provider"], report["chain"], report["version"]) == ("claude", "default", 2)
    [attempt] = report["attempts"]
    assert set(attempt) == ATTEMPT | BILL
    assert report["cost_usd"] == attempt["cost_usd"] > 0
    assert report["wasted_usd"] == 0
    assert (attempt["provider"], attempt["outcome"], attempt["model"]) == ("claude", "success", "claude-sonnet-5-5")
    assert 0 < attempt["first_token_ms"] <= attempt["latency_ms"] <= report["elapsed_ms"]


def test_only_our_producer_tells_how_long_a_request_was_queued(shared_setup: LocalSetup) -> None:
    assert shared_setup.complete(QUESTION).get(timeout=30)["fallback"]["queued_ms"] is None
    ours = shared_setup.delay_here(QUESTION)["fallback"]
    assert 0 <= ours["queued_ms"] <= ours["elapsed_ms"]


def test_a_tier_names_the_model(shared_setup: LocalSetup) -> None:
    result = shared_setup.complete({**QUESTION, "model": "fast"}).get(timeout=30)
    assert result["fallback"]["attempts"][0]["model"] == "claude-haiku-5-5"


def test_an_overloaded_primary_gets_its_retries_then_the_next_provider_answers(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529)
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "overloaded")] * 4 + [("llama_cpp", "success")]
    assert [call["status"] for call in calls(llmock, "claude")] == [529] * 4
    assert len(calls(llmock, "llama_cpp")) == 1
    assert [attempt["status"] for attempt in result["fallback"]["attempts"]] == [529] * 4 + [None]


def test_every_failure_is_an_event_that_says_what_follows(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529)
    shared_setup.complete(QUESTION).get(timeout=30)
    failures = [event for event in shared_setup.events() if event["type"] == "request-failure"]
    assert [event["decision"] for event in failures] == ["retry"] * 3 + ["next"]
    assert [event["will_retry"] for event in failures] == ["true"] * 3 + ["false"]
    assert [event["next"] for event in failures] == ["", "", "", "llama_cpp"]


def test_an_urgent_chain_fails_over_at_once(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529)
    result = shared_setup.complete(QUESTION, "high-priority").get(timeout=30)
    assert attempts_of(result) == [("claude", "overloaded"), ("openai", "success")]


def test_an_urgent_chain_goes_round_until_its_tries_are_spent(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 529)
    fail(llmock, "openai", 500)
    fail(llmock, "llama_cpp", 503, times=2)
    result = shared_setup.complete(QUESTION, "high-priority").get(timeout=30)
    asked = [attempt["provider"] for attempt in result["fallback"]["attempts"]]
    assert asked == ["claude", "openai", "llama_cpp"] * 3
    assert attempts_of(result)[-1] == ("llama_cpp", "success")


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed"])
def test_a_broken_stream_is_a_failed_attempt(shared_setup: LocalSetup, llmock: LLMock, kind: str) -> None:
    llmock.script({"type": "stream_fault", "kind": kind, "after_chunks": 3, "times": 1})
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "transient"), ("claude", "success")]


def test_a_real_llama_cpp_answers(celery_setup: LocalSetup, llama: Llama) -> None:
    local = celery_setup.start_worker("local", {**llama.environment, "ANTHROPIC_API_KEY": "", "OPENAI_API_KEY": ""})
    celery_setup.worker.kill()
    result = celery_setup.complete({**QUESTION, "max_tokens": 8}).get(timeout=60)
    assert local.process.running
    assert ChatCompletion.model_validate(result).choices[0].message.content
    assert attempts_of(result) == [("claude", "skipped"), ("openai", "skipped"), ("llama_cpp", "success")]
    assert result["fallback"]["cost_usd"] == 0
