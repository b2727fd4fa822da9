"""`fallback complete`, `check` and `status` beside a running fleet, and without one."""

import json
import re
from pathlib import Path

import pytest
from redis import Redis
from redis.client import PubSub

from tasks.celery import PROBES
from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import NO_REDIS, Fallback, Ran, error_line, output, run, running
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, fail, script
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_BREAKER__COOLDOWN_PERIOD": "60"}


def rows(ran: Ran) -> dict[str, str]:
    """Returns the lines that begin with a provider's name, by that name."""
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("claude ", "openai ", "llama_cpp "))]
    return {line.split()[0]: line for line in lines}


def heard(broadcasts: PubSub) -> int:
    """Returns how many messages have come since the last look."""
    return len(list(iter(lambda: broadcasts.get_message(timeout=0.2), None)))


def test_complete_prints_the_answer_alone_and_the_report_beside_it(fallback: Fallback, llmock: LLMock) -> None:
    fail(llmock, "claude", 529, times=1)
    script(llmock, "claude", "reply", text="Two, three, five.")
    ran = fallback("complete", "Name three primes")
    assert (ran.returncode, ran.stdout) == (0, "Two, three, five.\n")
    queued, failed, answered, took = ran.stderr.strip().splitlines()
    assert re.fullmatch(r"queued as [0-9a-f-]{36}", queued)
    assert "claude | claude-sonnet-5-5 | overloaded" in failed
    assert "claude | claude-sonnet-5-5 | success" in answered
    assert "ms on chain default" in took


def test_complete_takes_a_chain_and_a_tier(fallback: Fallback, llmock: LLMock) -> None:
    assert fallback("complete", "Hello", "--chain", "high-priority", "--model", "fast").returncode == 0
    assert [request["model"] for request in llmock.requests()] == ["claude-haiku-5-5"]


def test_complete_looks_for_no_worker_where_the_answer_comes_soon(fallback: Fallback, shared_setup: LocalSetup) -> None:
    with shared_setup.store.redis.pubsub(ignore_subscribe_messages=True) as broadcasts:
        broadcasts.psubscribe("*celery.pidbox")
        assert fallback("complete", "Hello").returncode == 0
        assert heard(broadcasts) == 0
        assert fallback("check").returncode == 0
        assert heard(broadcasts) == 0


def test_complete_prints_an_answer_that_takes_longer_and_finds_the_workers(fallback: Fallback, llmock: LLMock) -> None:
    script(llmock, "claude", "delay", times=1, seconds=3.0)
    script(llmock, "claude", "reply", text="At last.")
    ran = fallback("complete", "Hello")
    assert (ran.returncode, ran.stdout) == (0, "At last.\n")
    assert "no worker answers" not in ran.stderr


def test_complete_names_the_task_at_once_and_then_says_that_no_worker_answers(
    tmp_path: Path, environment: dict[str, str], redis: Redis
) -> None:
    with running(tmp_path, environment, "complete", "Hello"):
        wait_until(lambda: "queued as" in output(tmp_path))
        [message] = map(json.loads, redis.lrange("completions\x06\x166", 0, -1))
        wait_until(lambda: "no worker answers yet" in output(tmp_path))
    assert output(tmp_path).splitlines()[0] == f"queued as {message['headers']['id']}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--chain", "nope"), "UnknownChain: chain: no chain 'nope'"),
        (("--model", "nope"), "InvalidRequest: model: names no tier"),
    ],
)
def test_complete_refuses_in_one_line(fallback: Fallback, arguments: tuple[str, ...], words: str) -> None:
    ran = fallback("complete", "Hello", *arguments)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in error_line(ran)


def test_complete_tells_a_failure_in_one_line_after_the_id(fallback: Fallback, llmock: LLMock) -> None:
    for provider in ("claude", "openai", "llama_cpp"):
        fail(llmock, provider, 404)
    ran = fallback("complete", "Hello")
    assert (ran.returncode, ran.stdout) == (1, "")
    queued, failure = ran.stderr.strip().splitlines()
    assert queued.startswith("queued as ")
    assert "ChainExhausted: chain 'default' is exhausted: claude: misconfigured 404" in failure


@pytest.mark.parametrize(
    "command", [("complete", "Hello"), ("check",), ("status",), ("events",), ("breaker", "open", "claude")]
)
def test_without_redis_one_line_says_what_to_do(fallback: Fallback, command: tuple[str, ...]) -> None:
    ran = fallback(*command, **NO_REDIS)
    assert (ran.returncode, ran.stdout) == (1, "")
    for words in ("no Redis at redis://127.0.0.1:1/0", "start it, set REDIS_URL, or run `fallback up`"):
        assert words in error_line(ran)
    assert "hidden" not in ran.stderr


def test_status_as_json_without_redis_has_that_problem(fallback: Fallback) -> None:
    ran = fallback("status", "--json", **NO_REDIS)
    found = json.loads(ran.stdout)
    assert (ran.returncode, found["problems"][0]["kind"]) == (1, "redis-down")
    assert found["error"] == found["problems"][0]["what"]
    assert "hidden" not in ran.stdout + ran.stderr


def test_a_wrong_setting_is_one_line(fallback: Fallback) -> None:
    ran = fallback("status", FALLBACK_BREAKER__COOLDOWN_PERIOD="soon")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert error_line(ran).startswith("breaker.cooldown_period: ")


def test_check_finds_all_well(fallback: Fallback, shared_setup: LocalSetup) -> None:
    shared_setup.start_worker("probes", queues=[PROBES])  # takes no completions, so it is not counted
    ran = fallback("check")
    assert ran.returncode == 0, ran.stderr
    assert "workers    1" in ran.stdout
    assert 'app.signature("fallback.complete", queue="completions", priority=6)' in ran.stdout
    assert all("answers in" in line for line in rows(ran).values())
    assert "simulated" not in ran.stdout
    prices = {line.split()[0]: " ".join(line.split()[1:]) for line in ran.stdout.splitlines() if "/" in line[:20]}
    assert prices["claude/default"] == "any 2 0.1 2.5 10 1000k library"
    assert prices["claude/fast"] == "above 100k 0.5 0.05 0.625 2.5 1000k library"
    assert prices["llama_cpp/default"] == "any 0 0 0 0 ? config"
    assert "library    genai-prices 0." in ran.stdout


def test_check_says_what_is_missing_and_which_chains_cannot_answer(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment | {"LLAMA_CPP_BASE_URL": "http://127.0.0.1:1"}, "check")
    assert ran.returncode == 1
    assert "ANTHROPIC_API_KEY" in ran.stdout
    assert "no provider answers for chain high-priority, default, low-cost, local-first" in error_line(ran)


def test_status_shows_each_provider_in_one_row_of_80_columns(
    fallback: Fallback, shared_setup: LocalSetup, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529)
    fail(llmock, "openai", 401)
    for chain in ("default", "default", "high-priority"):
        shared_setup.complete(QUESTION, chain).get(timeout=30)
    ran = fallback("status")
    assert ran.returncode == 0
    table = ran.stdout.partition("worker ")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert len(table.splitlines()) == 4
    shown = {name: re.split(r"\s{2,}", line.strip()) for name, line in rows(ran).items()}
    assert shown["claude"][1] == "unhealthy"
    assert shown["claude"][2].startswith("open, ")
    assert shown["claude"][3:7] == ["0/5", "-", "-", "overloaded 529"]
    assert shown["openai"][1:3] == ["unhealthy", "auth-locked"]
    assert shown["openai"][6].startswith("authentication")
    assert (shown["llama_cpp"][1:4], shown["llama_cpp"][6]) == (["healthy", "closed", "3/3"], "-")
