"""Completions that are parked until a provider admits: `when_exhausted = "wait"`."""

import json
import time
from typing import Any

import pytest
from celery.exceptions import TaskRevokedError

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.errors import DeadlineExceeded
from worker.task.parking import count

CHAINS = ("low-cost", "default", "high-priority")
PRIORITIES = {"low-cost": 9, "default": 6, "high-priority": 3}
PROVIDERS = ("claude", "llama_cpp", "openai")


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    chains = {f"FALLBACK_CHAINS__{name.upper().replace('-', '_')}__WHEN_EXHAUSTED": "wait" for name in CHAINS}
    return {**chains, "FALLBACK_CHAINS__LOW_COST__TIMEOUT": "1.5"}


def all_of_them(setup: LocalSetup, action: Any) -> None:
    for provider in PROVIDERS:
        control(setup.store, provider, action, by="test")


def in_hand(setup: LocalSetup) -> int:
    return int(setup.store.redis.hlen("{fallback}:2:unacked"))


@pytest.fixture
def nobody(shared_setup: LocalSetup) -> LocalSetup:
    """A worker whose providers are all forced open, without end."""
    all_of_them(shared_setup, "open")
    return shared_setup


def test_a_parked_completion_is_with_no_worker(nobody: LocalSetup) -> None:
    results = [nobody.complete(QUESTION) for _ in range(20)]
    wait_until(lambda: count(nobody.store) == 20 and not in_hand(nobody))
    all_of_them(nobody, "reset")
    assert {result.get(timeout=30)["fallback"]["provider"] for result in results} == {"claude"}
    assert count(nobody.store) == 0


def test_the_status_shows_how_many_are_parked(nobody: LocalSetup, fallback: Fallback) -> None:
    assert "parked until" not in fallback("status").stdout
    results = [nobody.complete(QUESTION) for _ in range(3)]
    wait_until(lambda: count(nobody.store) == 3)
    assert "\n3 parked until a provider admits\n" in fallback("status").stdout
    assert json.loads(fallback("status", "--json").stdout)["parked"] == 3
    all_of_them(nobody, "reset")
    for result in results:
        result.get(timeout=30)


def test_an_operator_s_reset_is_seen_at_once(nobody: LocalSetup) -> None:
    result = nobody.complete(QUESTION)
    wait_until(lambda: count(nobody.store) == 1)
    all_of_them(nobody, "reset")
    reset = time.monotonic()
    result.get(timeout=30)
    assert time.monotonic() - reset < 5.0


def test_its_time_ends_while_it_is_parked(nobody: LocalSetup) -> None:
    asked = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="'low-cost': no provider was asked yet; llama_cpp: skipped"):
        nobody.complete(QUESTION, "low-cost").get(timeout=30)
    assert 1.5 <= time.monotonic() - asked < 5.0
    assert count(nobody.store) == 0


def test_one_that_is_revoked_ends_at_once_and_asks_nobody(nobody: LocalSetup, llmock: LLMock) -> None:
    result = nobody.complete(QUESTION)
    wait_until(lambda: count(nobody.store) == 1)
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=30)
    all_of_them(nobody, "reset")
    wait_until(lambda: not count(nobody.store) and not in_hand(nobody))
    nobody.complete(QUESTION).get(timeout=30)
    assert len(llmock.requests()) == 1


def test_one_that_is_revoked_stays_so_with_workers_that_started_since(nobody: LocalSetup, llmock: LLMock) -> None:
    result = nobody.complete(QUESTION)
    wait_until(lambda: count(nobody.store) == 1)
    result.revoke()
    wait_until(result.ready)
    nobody.worker.container.restart(timeout=30)
    all_of_them(nobody, "reset")
    wait_until(lambda: not count(nobody.store) and not in_hand(nobody))
    assert nobody.app.AsyncResult(result.id).state == "REVOKED"
    assert llmock.requests() == []
