"""`fallback explain` of completions that real workers answered, over retries, failovers and open breakers."""

import json
from itertools import pairwise
from typing import Any

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, fail

UNEXPLAINED = 0.5
"""Seconds between two spans that a busy machine may need."""


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_BREAKER__COOLDOWN_PERIOD": "600", "OPENAI_API_KEY": ""}


def explained(fallback: Fallback, task_id: str) -> dict[str, Any]:
    ran = fallback("explain", task_id, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_retries_and_a_failover_leave_no_time_unexplained(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529, times=2)
    shared_setup.delay_here(QUESTION)
    [task_id] = [key.split("meta-")[1] for key in shared_setup.store.redis.scan_iter("celery-task-meta-*")]
    found = explained(fallback, task_id)
    lasting = [span for span in found["spans"] if span["kind"] != "skipped"]
    assert [span["provider"] for span in lasting if span["kind"] == "attempt"] == ["claude"] * 3
    assert [span["kind"] for span in lasting].count("backoff") == 2
    assert found["queued_at"] <= lasting[0]["start"] + 0.05
    assert all(later["start"] - earlier["end"] < UNEXPLAINED for earlier, later in pairwise(lasting))
    assert abs(found["ended_at"] - lasting[-1]["end"]) < UNEXPLAINED
    assert 595 < found["remaining_s"] < 600
    assert "Say hello" not in str(found)


def test_an_open_breaker_is_skipped_with_the_failure_that_opened_it(
    shared_setup: LocalSetup, fallback: Fallback, llmock: LLMock
) -> None:
    fail(llmock, "claude", 402)
    shared_setup.complete(QUESTION).get(timeout=30)
    second = shared_setup.complete(QUESTION)
    second.get(timeout=30)
    text = fallback("explain", second.id).stdout
    assert "claude skipped: open (quota-exhausted 402 billing_error), 1" in text
    assert text.index("claude skipped") < text.index("openai skipped: not configured")
