"""The fleet on a master that Sentinels watch, and what a failover costs.

A failover loses what the dead master had not yet sent to its replica: Redis replicates after it has answered. The
number of completions is FAILOVER_COMPLETIONS, in CI 100.
"""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.redis_url import sentinels as parsed
from tasks.local import celery_nodes
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tests.end_to_end import sentinels
from tests.end_to_end.command_line import Fallback, run
from tests.end_to_end.conftest import QUICK
from tests.end_to_end.sentinels import PASSWORD, Watched
from tests.end_to_end.vendors import QUESTION, calls
from tests.waiting import wait_until

COMPLETIONS = int(os.environ.get("FAILOVER_COMPLETIONS", "100"))
PACE = 0.05
LAG = 1.0
"""Seconds of acceptance before the kill that may be lost; a replica in step is milliseconds behind."""

ACCEPTS_WITHIN = 15.0
ANSWERED_WITHIN = 45.0
"""Seconds from the kill: the failover, then the visibility timeout for what the workers had in hand."""


@dataclass(frozen=True)
class Bed:
    """A fleet whose broker, results and state are behind Sentinels, and a producer by name."""

    fleet: Fleet
    watched: Watched
    app: Celery


@pytest.fixture(scope="module")
def bed(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str], shared_llmock: LLMock
) -> Iterator[Bed]:
    with Fleet(tmp_path_factory.mktemp("sentinel"), clean_environment) as fleet:
        watched = sentinels.start(fleet)
        fleet.environment |= shared_llmock.environment | QUICK | {"REDIS_URL": watched.url}
        for name in ("one", "two"):
            celery_nodes.start_worker(fleet, name)
        with producer(watched.url) as app:
            yield Bed(fleet, watched, app)


def producer(url: str) -> Celery:
    """Returns an app of another code base, set up as docs/how-to/deploy.md says.

    Without a result backend: each result of it would ask a server that is gone, once more, when it is collected.
    """
    known = parsed(url)
    assert known is not None
    options = {"master_name": known.master, "socket_timeout": 5, "socket_connect_timeout": 2}
    app = Celery("elsewhere", broker=known.celery_url, set_as_current=False)
    app.conf.update(broker_transport_options=options)
    return app


@pytest.fixture
def fallback(tmp_path: Path, bed: Bed, llmock: LLMock) -> Fallback:
    return lambda *arguments: run(tmp_path, bed.fleet.environment, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "workers    2"),
        (["status"], "healthy"),
        (["events"], "circuit-breaker-forced-open openai"),
        (["complete", "Say hello."], "hello"),
    ],
)
def test_commands_reach_the_master(fallback: Fallback, arguments: list[str], said: str) -> None:
    fallback("breaker", "open", "openai", "--for", "1s")
    ran = fallback(*arguments)
    assert ran.returncode == 0, ran.stderr
    assert said.lower() in (ran.stdout + ran.stderr).lower()
    assert PASSWORD not in ran.stdout + ran.stderr


def test_flower_shows_the_fleet_and_no_password(bed: Bed) -> None:
    port = free_port()
    flower = celery_nodes.start_flower(bed.fleet, port)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as pages:
        wait_until(lambda: "one@" in pages.get("/workers").text)
        shown = [pages.get(path) for path in ("/workers", "/broker", "/metrics")]
    assert [page.status_code for page in shown] == [200, 200, 200]
    assert "fallback_redis_up 1.0" in shown[-1].text
    assert PASSWORD not in flower.output() + "".join(page.text for page in shown)
    flower.stop()


@dataclass
class Accepted:
    """Completions queued one after the other, each tried again until the broker takes it."""

    app: Celery
    tasks: list[tuple[float, str]] = field(default_factory=list)

    def queue(self) -> None:
        for _ in range(COMPLETIONS):
            while not self._one():
                pass
            threading.Event().wait(PACE)

    def _one(self) -> bool:
        try:
            result = self.app.send_task("fallback.complete", (QUESTION,), queue="completions", priority=6, retry=False)
        except (OperationalError, RedisError, OSError):
            return False
        self.tasks.append((time.monotonic(), str(result.id)))
        return True


@pytest.mark.timeout(300)
def test_the_fleet_goes_on_when_the_master_is_killed(
    bed: Bed, fallback: Fallback, llmock: LLMock, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = Accepted(bed.app)
    queueing = threading.Thread(target=accepted.queue)
    queueing.start()
    wait_until(lambda: len(accepted.tasks) > COMPLETIONS // 3, 60)
    old = bed.watched.master()
    bed.watched.servers[old].kill()
    killed = time.monotonic()
    wait_until(lambda: accepted.tasks[-1][0] > killed, ACCEPTS_WITHIN)
    accepts = accepted.tasks[-1][0] - killed
    queueing.join()
    with bed.watched.client(bed.watched.master()) as master:
        left = ("completions", "completions\x06\x166", "{fallback}:2:unacked")
        wait_until(lambda: not master.exists(*left), ANSWERED_WITHIN)
        done = time.monotonic() - killed
        lost = [at for at, task in accepted.tasks if not master.exists(f"celery-task-meta-{task}")]
    report(capsys, accepts, done, [killed - at for at in lost], len(calls(llmock, "claude")))
    assert bed.watched.master() != old
    assert all(killed - at < LAG for at in lost)
    assert fallback("complete", "Say hello.").returncode == 0


def report(capsys: pytest.CaptureFixture[str], accepts: float, done: float, lost: list[float], called: int) -> None:
    with capsys.disabled():
        print(
            f"\nfailover: accepts again after {accepts:.1f} s, the last of {COMPLETIONS} answered after {done:.1f} s; "
            f"{len(lost)} lost{''.join(f', {age * 1000:.0f} ms before the kill' for age in lost)}; "
            f"{called} calls"
        )
