"""A Redis that takes no more: what was accepted is answered all the same, once it does again."""

import signal
import time
from typing import Any

import pytest
from redis import Redis

from tasks.local import commands
from tasks.local.celery_nodes import ROOT
from tasks.local.llmock import LLMock
from tasks.local.readiness import writes
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


def test_the_probes_worker_outlives_a_full_redis_with_a_line_for_each_process(
    celery_setup: LocalSetup, worker: LocalNode
) -> None:
    redis, fleet = celery_setup.store.redis, celery_setup.fleet
    command = commands.worker("probes", queues=["probes"], options=["-B"])
    settings = celery_setup.environment | {"FALLBACK_HEALTH__PROBE_INTERVAL": "1"}
    probes = fleet.start("probes", command, ready=writes(" ready."), environment=settings, cwd=ROOT)
    redis.config_set("maxmemory", 1)
    wait_until(lambda: probes.output().count("redis-full used=") == 2)  # beat is a process of its own
    redis.client_kill_filter(_type="normal", skipme=True)
    wait_until(lambda: "Connection to broker lost" in probes.output())
    late = fleet.start("late", commands.worker("late"), ready=writes(" ready."), environment=settings, cwd=ROOT)
    redis.config_set("maxmemory", 0)
    wait_until(lambda: probes.output().count("redis-takes-writes") == 2)
    answered = probes.output().count("succeeded")
    wait_until(lambda: probes.output().count("succeeded") > answered)
    assert (probes.running, late.running) == (True, True)
    assert [process.output().count("Traceback") for process in (probes, late)] == [0, 0]
    assert probes.output().count("redis-full") == 2


def fetches_refused(redis: Redis) -> int:
    """Returns how often a script was refused."""
    scripts = redis.info("commandstats").get("cmdstat_evalsha", {})
    return int(scripts.get("failed_calls", 0)) + int(scripts.get("rejected_calls", 0))
