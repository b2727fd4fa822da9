"""A chain whose providers are a group: the best is asked, a retry stays, the rest follows; what says so."""

import json
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, fail

CONFIG = """
[providers.claude]
models.default = { name = "claude-opus-5-5", input_usd = 3.0, output_usd = 15.0 }

[providers.openai]
models.default = { name = "gpt-6", input_usd = 1.0, output_usd = 5.0 }

[chains.best]
providers = [["claude", "openai"], "llama_cpp"]
retry = { max_retries = 1, initial_backoff = 0.01, max_backoff = 0.01 }

[chains.all]
providers = ["claude", "openai", "llama_cpp"]
order = "scored"
second_usd = 0.0
failover = "at-once"
"""


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    config = tmp_path_factory.mktemp("scored") / "fallback.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return {"FALLBACK_CONFIG": str(config)}


def complete(setup: LocalSetup, chain: str) -> dict[str, Any]:
    result: dict[str, Any] = setup.complete(QUESTION, chain).get(timeout=30)
    return result


def test_the_cheaper_of_two_equals_is_asked_and_its_line_says_why(shared_setup: LocalSetup) -> None:
    (attempt,) = complete(shared_setup, "best")["fallback"]["attempts"]
    assert (attempt["provider"], attempt["outcome"]) == ("openai", "success")
    score = attempt["score"]
    assert 0 < score["success"] < 1
    expected = (score["cost_usd"] + 0.002 * score["seconds"]) / score["success"]
    assert score["usd"] == pytest.approx(expected, rel=1e-3)


def test_a_retry_stays_with_its_provider_then_the_rest_of_the_group_follows(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "openai", 500)
    result = complete(shared_setup, "best")
    assert attempts_of(result) == [("openai", "transient"), ("openai", "transient"), ("claude", "success")]
    assert all("score" in attempt for attempt in result["fallback"]["attempts"])


def test_the_rest_of_the_chain_follows_its_group_and_has_no_score(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "openai", 404)
    fail(llmock, "claude", 404)
    *others, last = complete(shared_setup, "best")["fallback"]["attempts"]
    assert [attempt["provider"] for attempt in others] == ["openai", "claude"]
    assert last["provider"] == "llama_cpp"
    assert "score" not in last


def test_a_scored_chain_asks_the_cheapest_first_and_then_the_next_cheapest(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    assert attempts_of(complete(shared_setup, "all")) == [("llama_cpp", "success")]
    fail(llmock, "llama_cpp", 500, times=1)
    assert attempts_of(complete(shared_setup, "all")) == [("llama_cpp", "transient"), ("openai", "success")]


def test_status_and_check_show_groups_and_scores(shared_setup: LocalSetup, fallback: Fallback) -> None:
    complete(shared_setup, "best")
    shown = fallback("status").stdout
    assert "openai/default" in shown
    (found,) = [each for each in json.loads(fallback("status", "--json").stdout)["providers"] if each["scores"]]
    score = found["scores"]["default"]
    assert found["provider"] == "openai"
    assert score["seconds"] > 0
    assert score["cost_usd"] > 0
    assert 0.5 < score["success"] < 1
    assert "[claude, openai], llama_cpp" in fallback("check").stdout
