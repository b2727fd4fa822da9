"""What a worker of many slots, and a producer of as many threads, hold of Redis's connections."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from celery import Celery

from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tests.chaos.bed import Bed
from tests.chaos.census import MESSAGES
from tests.chaos.conftest import Figures
from tests.chaos.provider import KEY, prompt
from tests.length import at_length
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

SLOTS = int(os.environ.get("CHAOS_SLOTS", "100"))
"""500 at full length."""

MOST = 24
"""Connections of one worker, whatever its slots do."""

PRODUCERS = 26
"""Connections of one producer: ten publish, as is Celery's default, with two each at most; four read results."""

THREADS = "tests.chaos.threads"


class Crowd:
    """A worker with a completion in each of its slots, each with a call under way."""

    def __init__(self, fleet: Fleet, *, delay: float) -> None:
        self.bed = Bed.start(fleet, delay=delay)
        self.bed.start_workers(["crowd"], concurrency=SLOTS)
        self.app = Celery("elsewhere", broker=self.bed.server.url, backend=self.bed.server.url, set_as_current=False)
        self.ids = [f"{number:08x}" for number in range(SLOTS)]

    def queue(self, **options: Any) -> None:
        options = {"queue": "completions", "priority": 6, **options}
        for each in self.ids:
            request = {"messages": [{"role": "user", "content": prompt(each)}]}
            self.app.send_task("fallback.complete", (request,), task_id=each, **options)

    def fill(self) -> None:
        self.queue()
        wait_until(lambda: len(self.bed.provider.calls()) == SLOTS, 90)

    def connections(self) -> list[str]:
        """Returns the last command of each of the worker's connections."""
        return [client["cmd"] for client in clients(self.bed, self.bed.workers[0])]

    def states(self) -> set[str]:
        """Returns what has become of all."""
        metas = self.bed.store.redis.mget([f"celery-task-meta-{each}" for each in self.ids])
        return {json.loads(meta)["status"] if meta else "PENDING" for meta in metas}

    def ended(self) -> bool:
        return "PENDING" not in self.states() and not self.bed.store.redis.exists(*MESSAGES)


def clients(bed: Bed, process: Process) -> list[dict[str, str]]:
    """Returns what the server knows of a process's connections."""
    sockets = psutil.Process(process.pid).net_connections()
    ports = {each.laddr.port for each in sockets if each.raddr and each.raddr.port == bed.server.port}
    return [client for client in bed.store.redis.client_list() if int(client["addr"].rpartition(":")[2]) in ports]


def watched(crowd: Crowd, condition: Callable[[], object], seconds: float) -> list[str]:
    """Waits for the condition; returns the connections when they were most."""
    most: list[str] = []

    def look() -> object:
        nonlocal most
        most = max(most, crowd.connections(), key=len)
        return condition()

    wait_until(look, seconds)
    return most


@at_length
def test_answers_and_remote_control(fleet: Fleet, figures: Figures) -> None:
    crowd = Crowd(fleet, delay=10.0)
    idle = crowd.connections()
    crowd.fill()
    flying = crowd.connections()
    assert crowd.app.control.inspect(timeout=10).active()
    most = watched(crowd, crowd.ended, 60)
    figures(f"idle {len(idle)}, in flight {len(flying)}, most {len(most)}: {sorted(most)}")
    assert crowd.states() == {"SUCCESS"}
    assert len(most) <= MOST


def test_all_fail_at_once(fleet: Fleet, figures: Figures) -> None:
    crowd = Crowd(fleet, delay=60.0)
    crowd.fill()
    crowd.bed.provider.process.kill()
    most = watched(crowd, crowd.ended, 60)
    figures(f"most {len(most)}: {sorted(most)}")
    assert crowd.states() == {"FAILURE"}
    assert len(most) <= MOST


@at_length
def test_all_publish_a_retry_at_once(fleet: Fleet, figures: Figures) -> None:
    """Messages that only a later version can read are queued again each second, until their deadline."""
    crowd = Crowd(fleet, delay=1.0)
    crowd.queue(headers={"fallback": {"version": 99, "deadline_at": time.time() + 20}})
    most = watched(crowd, crowd.ended, 90)
    figures(f"most {len(most)}: {sorted(most)}; {crowd.bed.workers[0].output().count(' retry: ')} retries")
    assert crowd.states() == {"FAILURE"}
    assert crowd.bed.workers[0].output().count(" retry: ") > SLOTS
    assert len(most) <= MOST


@at_length
@pytest.mark.parametrize("kill", [True, False])
def test_all_fail_while_redis_is_away(fleet: Fleet, figures: Figures, kill: bool) -> None:
    crowd = Crowd(fleet, delay=60.0)
    crowd.fill()
    server, worker = crowd.bed.server.process, crowd.bed.workers[0]
    server.kill() if kill else server.signal(signal.SIGSTOP)
    crowd.bed.provider.process.kill()
    wait_until(lambda: "redis-unavailable" in worker.output(), 30)
    server.start() if kill else server.signal(signal.SIGCONT)
    most = watched(crowd, crowd.ended, 120)
    figures(f"most {len(most)}: {sorted(most)}")
    assert crowd.states() == {"FAILURE"}
    assert len(most) <= MOST


@at_length
@pytest.mark.parametrize("restart", [False, True])
def test_the_threads_of_a_producer_share_a_few(fleet: Fleet, figures: Figures, restart: bool) -> None:
    bed = Bed.start(fleet, delay=10.0)
    bed.start_workers(["crowd"], concurrency=SLOTS)
    command, environment = [sys.executable, "-m", THREADS, str(SLOTS)], {**fleet.environment, KEY: "none"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as producer:
        if restart:
            wait_until(lambda: len(bed.provider.calls()) == SLOTS, 90)
            bed.server.process.restart()
        output, _ = producer.communicate(timeout=200)
    told = json.loads(output)
    figures(output.strip())
    assert (told["answers"], told["errors"]) == (SLOTS, [])
    assert told["connections"] <= PRODUCERS
