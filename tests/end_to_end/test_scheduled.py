"""Completions that are due later: `countdown`, `eta`, and retries of a long backoff."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from celery.exceptions import TaskRevokedError

from tasks.local.llmock import LLMock
from tests.end_to_end.command_line import Fallback
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, calls, fail
from tests.waiting import wait_until
from worker.task import lease
from worker.task.scheduling import count

DAYS = 86_400
DELAY = 3.5
"""Seconds: long enough to be scheduled, and to be seen so."""

LISTS = ("completions", "completions\x06\x163", "completions\x06\x166", "completions\x06\x169")


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_CHAINS__DEFAULT__RETRY__MAX_RETRY_AFTER": "10"}


def in_hand(setup: LocalSetup) -> int:
    return int(setup.store.redis.hlen("{fallback}:2:unacked"))


def is_scheduled(setup: LocalSetup, number: int) -> bool:
    return count(setup.store) == number and not in_hand(setup)


def in_utc(at: datetime) -> datetime:
    return at


def elsewhere(at: datetime) -> datetime:
    return at.astimezone(timezone(timedelta(hours=-7)))


def naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def test_they_are_with_no_worker_until_they_are_due(shared_setup: LocalSetup) -> None:
    due = time.time() + DELAY
    results = [shared_setup.complete(QUESTION, countdown=DELAY) for _ in range(20)]
    wait_until(lambda: is_scheduled(shared_setup, 20))
    assert {result.get(timeout=30)["fallback"]["provider"] for result in results} == {"claude"}
    assert time.time() >= due
    assert not shared_setup.store.redis.exists("{fallback}:2:scheduled", "{fallback}:2:scheduled:due")


@pytest.mark.parametrize("written", [in_utc, elsewhere, naive])
def test_an_eta_is_an_instant_in_whatever_zone_and_in_utc_without_one(shared_setup: LocalSetup, written: Any) -> None:
    due = datetime.now(UTC) + timedelta(seconds=DELAY)
    result = shared_setup.complete(QUESTION, eta=written(due))
    wait_until(lambda: is_scheduled(shared_setup, 1))
    result.get(timeout=30)
    assert timedelta(0) <= datetime.now(UTC) - due < timedelta(seconds=DELAY)


def test_the_time_to_answer_of_our_producer_starts_when_it_is_due(shared_setup: LocalSetup) -> None:
    request = {**QUESTION, "timeout": 2.0}
    program = f"""
import json
from tasks import complete
result = complete.apply_async(({request!r},), countdown={DELAY})
print(json.dumps(result.get(timeout=30)["fallback"]))
"""
    report = json.loads(shared_setup.in_this_code_base(program))
    assert report["provider"] == "claude"
    assert report["queued_ms"] < 1000 * DELAY / 2
    assert report["elapsed_ms"] < 1000 * DELAY / 2


def test_one_that_expires_before_it_is_due_asks_nobody(shared_setup: LocalSetup, llmock: LLMock) -> None:
    result = shared_setup.complete(QUESTION, countdown=DELAY, expires=DELAY / 2)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=30)
    assert llmock.requests() == []


def test_one_that_has_expired_ends_at_once(shared_setup: LocalSetup) -> None:
    with pytest.raises(TaskRevokedError, match="expired"):
        shared_setup.complete(QUESTION, countdown=DAYS, expires=-1).get(timeout=30)
    assert is_scheduled(shared_setup, 0)


def test_two_messages_of_a_task_are_both_kept(shared_setup: LocalSetup, llmock: LLMock) -> None:
    task_id = str(uuid4())
    for seconds in (DELAY, DELAY + 1):
        result = shared_setup.complete(QUESTION, task_id=task_id, countdown=seconds)
    wait_until(lambda: is_scheduled(shared_setup, 2))
    result.get(timeout=30)
    wait_until(lambda: is_scheduled(shared_setup, 0))
    assert len(llmock.requests()) == 1


def test_each_goes_back_into_the_list_of_its_priority(shared_setup: LocalSetup) -> None:
    results = [shared_setup.complete(QUESTION, priority=step, countdown=DELAY) for step in (0, 3, 6, 9)]
    wait_until(lambda: is_scheduled(shared_setup, 4))
    control = shared_setup.app.control
    control.cancel_consumer("completions", reply=True)
    redis = shared_setup.store.redis
    wait_until(lambda: [redis.llen(name) for name in LISTS] == [1, 1, 1, 1])
    control.add_consumer("completions", reply=True)
    for result in results:
        result.get(timeout=30)


def test_a_retry_of_a_long_backoff_is_scheduled_too(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 503, times=1, retry_after=4)
    result = shared_setup.complete(QUESTION)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    assert len(calls(llmock, "claude")) == 1
    assert attempts_of(result.get(timeout=30)) == [("claude", "overloaded"), ("claude", "success")]


def test_one_that_is_revoked_ends_at_once_and_asks_nobody_when_it_is_due(
    shared_setup: LocalSetup, llmock: LLMock
) -> None:
    result = shared_setup.complete(QUESTION, countdown=DELAY)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=30)
    assert count(shared_setup.store) == 1
    wait_until(lambda: is_scheduled(shared_setup, 0) and not shared_setup.store.redis.exists(*LISTS))
    shared_setup.complete(QUESTION).get(timeout=30)
    assert len(llmock.requests()) == 1


def test_a_revocation_is_remembered_until_it_is_due(shared_setup: LocalSetup) -> None:
    redis, keys = shared_setup.store.redis, shared_setup.store.keys
    result = shared_setup.complete(QUESTION, countdown=10 * DAYS)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    result.revoke()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=30)
    assert redis.ttl(keys.task(result.id)) > 10 * DAYS


def test_so_is_one_from_before_a_worker_had_its_message(shared_setup: LocalSetup) -> None:
    redis, keys, task_id = shared_setup.store.redis, shared_setup.store.keys, str(uuid4())
    lease.revoke(shared_setup.store, [task_id])
    assert redis.ttl(keys.task(task_id)) < 10 * DAYS
    shared_setup.complete(QUESTION, task_id=task_id, countdown=10 * DAYS)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    assert redis.ttl(keys.task(task_id)) > 10 * DAYS


def test_the_commands_show_them(shared_setup: LocalSetup, fallback: Fallback) -> None:
    assert "scheduled" not in fallback("status").stdout
    result = shared_setup.complete(QUESTION, countdown=DAYS)
    due = datetime.now(UTC) + timedelta(days=1)
    wait_until(lambda: is_scheduled(shared_setup, 1))
    assert "\n1 scheduled for later\n" in fallback("status").stdout
    assert json.loads(fallback("status", "--json").stdout)["scheduled"] == 1
    assert f"{result.id}: scheduled for {due:%Y-%m-%dT%H}" in fallback("explain", result.id).stdout
