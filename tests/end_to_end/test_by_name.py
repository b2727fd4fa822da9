"""Producers that know nothing of ours but the name, the queue and the priority."""

from pathlib import Path

import pytest
from openai.types.chat import ChatCompletion

from tasks.local.llmock import LLMock
from tests.end_to_end.elsewhere import Elsewhere
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_CHAINS__HIGH_PRIORITY__RETRY__INITIAL_BACKOFF": "0.1"}


@pytest.fixture
def elsewhere(tmp_path: Path, shared_setup: LocalSetup, clean_environment: dict[str, str]) -> Elsewhere:
    return Elsewhere(tmp_path, clean_environment, shared_setup.environment["REDIS_URL"])


def test_a_code_base_with_its_own_tasks_and_config_gets_an_answer(elsewhere: Elsewhere) -> None:
    said = elsewhere.produce(QUESTION, chain="high-priority")
    assert Path(said["tasks"]).parent == Path(said["config"]).parent == elsewhere.folder
    assert ChatCompletion.model_validate(said["answer"]).choices[0].message.content
    assert said["answer"]["fallback"]["chain"] == "high-priority"
    assert attempts_of(said["answer"]) == [("claude", "success")]


def test_request_and_chain_may_both_come_by_name(elsewhere: Elsewhere) -> None:
    assert attempts_of(elsewhere.produce(request=QUESTION, chain="low-cost")["answer"]) == [("llama_cpp", "success")]


def test_the_default_chain_needs_no_name(elsewhere: Elsewhere) -> None:
    assert elsewhere.produce(QUESTION)["answer"]["fallback"]["chain"] == "default"


def test_a_retried_request_of_another_code_base_is_answered(elsewhere: Elsewhere, llmock: LLMock) -> None:
    fail(llmock, "claude", 529, times=2)
    answer = elsewhere.produce(QUESTION)["answer"]
    assert attempts_of(answer) == [("claude", "overloaded")] * 2 + [("claude", "success")]
    assert answer["fallback"]["queued_ms"] is None


def test_a_failure_there_names_each_provider_and_what_it_said(elsewhere: Elsewhere, llmock: LLMock) -> None:
    fail(llmock, "claude", 529, message="the sea is full")
    fail(llmock, "llama_cpp", 503, message="the hill is steep")
    fail(llmock, "openai", 500, message="the sky is low")
    answer = elsewhere.produce(QUESTION, chain="high-priority")["answer"]
    assert (answer["class"], answer["args"]) == ("ChainExhausted", 1)
    assert "\n" not in answer["message"]
    for words in (
        "chain 'high-priority' is exhausted",
        "claude: overloaded 529, overloaded_error: the sea is full (3 attempts)",
        "llama_cpp: overloaded 503",
        "the hill is steep (3 attempts)",
        "openai: transient 500",
        "the sky is low (3 attempts)",
    ):
        assert words in answer["message"]


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "words"),
    [
        ([{"messages": []}], {}, "InvalidRequest", "messages: "),
        ([], {}, "InvalidRequest", "request: "),
        ([QUESTION, "default", 3], {}, "InvalidRequest", "3 arguments; a completion takes request and chain"),
        ([QUESTION], {"request": QUESTION}, "InvalidRequest", "request: given twice"),
        ([QUESTION], {"urgent": True}, "InvalidRequest", "urgent: unknown; a completion takes request and chain"),
        ([QUESTION], {"chain": "no-such"}, "UnknownChain", "no chain 'no-such'; there are high-priority, default"),
        ([{**QUESTION, "n": 2}], {}, "InvalidRequest", "n: must be 1"),
        ([{**QUESTION, "stream": True}], {}, "InvalidRequest", "stream: must be false"),
        ([{**QUESTION, "colour": "red"}], {}, "InvalidRequest", "colour: "),
    ],
)
def test_a_bad_request_fails_at_once(
    elsewhere: Elsewhere, llmock: LLMock, args: list[object], kwargs: dict[str, object], kind: str, words: str
) -> None:
    answer = elsewhere.produce(*args, **kwargs)["answer"]
    assert answer["class"] == kind
    assert words in answer["message"]
    assert calls(llmock, "claude") == []
