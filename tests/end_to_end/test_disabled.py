"""Providers and chains that are switched off, built-in ones too."""

import pytest

from tasks.local import celery_nodes
from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of
from tests.waiting import wait_until
from worker.errors import UnknownChain
from worker.health.health import health


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {
        "FALLBACK_PROVIDERS__CLAUDE__ENABLED": "false",
        "FALLBACK_CHAINS__LOW_COST__ENABLED": "false",
        "FALLBACK_HEALTH__PROBE_INTERVAL": "1",
    }


def test_a_disabled_provider_is_skipped_with_that_reason(shared_setup: LocalSetup, llmock: LLMock) -> None:
    result = shared_setup.complete(QUESTION).get(timeout=30)
    assert attempts_of(result) == [("claude", "skipped"), ("llama_cpp", "success")]
    assert result["fallback"]["attempts"][0]["reason"] == "disabled"
    assert {request["path"] for request in llmock.requests()} == {"/v1/chat/completions"}


def test_a_disabled_provider_is_not_probed(shared_setup: LocalSetup, llmock: LLMock) -> None:
    beat = celery_nodes.start_beat(shared_setup.fleet, environment=shared_setup.environment)
    shared_setup.app.send_task("fallback.probe", ("claude",), queue="probes")  # as a beat that does not know it would
    wait_until(lambda: health(shared_setup.store, ["openai"])[0].probes >= 2)
    beat.kill()
    assert health(shared_setup.store, ["claude"])[0].probes == 0
    assert [request for request in llmock.requests() if request["path"].startswith("/anthropic")] == []


def test_a_disabled_chain_is_unknown_and_the_message_says_why(shared_setup: LocalSetup) -> None:
    with pytest.raises(Exception, match="chain: chain 'low-cost' is disabled; there are") as refused:
        shared_setup.complete(QUESTION, "low-cost").get(timeout=30)
    assert type(refused.value).__name__ == UnknownChain.__name__
    assert "low-cost" not in str(refused.value).partition("there are")[2]


def test_the_commands_say_that_they_are_disabled(fallback: Fallback, llmock: LLMock) -> None:
    llmock.reset()
    checked = fallback("check").stdout.splitlines()
    assert [line.split()[-1] for line in checked if line.startswith("claude ")] == ["disabled"]
    assert [line.split()[1] for line in checked if line.startswith("low-cost")] == ["disabled"]
    assert [request for request in llmock.requests() if request["path"].startswith("/anthropic")] == []
    assert "disabled" in next(line for line in fallback("status").stdout.splitlines() if line.startswith("claude"))
