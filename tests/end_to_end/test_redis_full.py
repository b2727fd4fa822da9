"""A Redis that takes no more: what was accepted is answered all the same, once it does again."""

import signal
import time
from typing import Any

import pytest
from redis import Redis

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import MODELS, QUESTION, attempts_of, calls, fail
from tests.length import at_length
from tests.waiting import wait_until


@pytest.fixture
def worker_settings(llmock: LLMock) -> dict[str, str]:
    return {"LLAMA_CPP_BASE_URL": llmock.url}


def taken_without_room(celery_setup: LocalSetup, worker: LocalNode) -> Any:
    """Returns the result of a completion that was queued while there was room, and is taken when there is none."""
    worker.process.signal(signal.SIGSTOP)
    queued = celery_setup.complete(QUESTION, chain="high-priority")
    celery_setup.store.redis.config_set("maxmemory", 1)
    worker.process.signal(signal.SIGCONT)
    return queued


def refused(redis: Redis) -> int:
    """Returns how often the first write of a script found no room."""
    return int(redis.info("commandstats").get("cmdstat_hset", {}).get("rejected_calls", 0))


def test_an_answer_waits_for_room(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    result = taken_without_room(celery_setup, worker)
    wait_until(lambda: llmock.requests() and not llmock.pending())
    before = refused(celery_setup.store.redis)
    wait_until(lambda: refused(celery_setup.store.redis) > before + 1)
    celery_setup.store.redis.config_set("maxmemory", 0)
    assert attempts_of(result.get(timeout=15)) == [("claude", "success")]
    assert len(llmock.requests()) == 1


@at_length
def test_a_retry_that_finds_no_room_waits(celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock) -> None:
    for provider in MODELS:
        fail(llmock, provider, 529)
    result = taken_without_room(celery_setup, worker)
    wait_until(lambda: calls(llmock, "llama_cpp"))  # the chain's last
    time.sleep(5)
    assert [len(calls(llmock, provider)) for provider in MODELS] == [1, 1, 1]
    llmock.reset()
    celery_setup.store.redis.config_set("maxmemory", 0)
    assert attempts_of(result.get(timeout=30))[-1] == ("claude", "success")


def test_a_worker_outlives_a_redis_that_takes_no_writes(celery_setup: LocalSetup, worker: LocalNode) -> None:
    redis = celery_setup.store.redis
    pid = worker.process.pid
    worker.process.signal(signal.SIGSTOP)
    queued = celery_setup.complete(QUESTION)
    redis.config_set("min-replicas-to-write", 1)
    before = fetches_refused(redis)
    worker.process.signal(signal.SIGCONT)
    wait_until(lambda: fetches_refused(redis) > before + 1)
    redis.config_set("min-replicas-to-write", 0)
    assert attempts_of(queued.get(timeout=15)) == [("claude", "success")]
    assert (worker.process.running, worker.process.pid) == (True, pid)


def fetches_refused(redis: Redis) -> int:
    """Returns how often a script was refused."""
    scripts = redis.info("commandstats").get("cmdstat_evalsha", {})
    return int(scripts.get("failed_calls", 0)) + int(scripts.get("rejected_calls", 0))
