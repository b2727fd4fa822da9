"""One worker, a Redis and a provider that always answers, for whatever strangers queue; and a stock producer."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from redis import Redis

from tasks.local import celery_nodes, valkey
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tests.fuzz.outcomes import Outcome, awaited, left
from tests.fuzz.upstream import Upstream, answering
from tests.waiting import wait_until

_BATCH = 1_000


@dataclass
class Bed:
    """What runs; `app` asks for no results, as it would open a subscription for each."""

    fleet: Fleet
    server: valkey.Valkey
    upstream: Upstream
    worker: Process
    redis: Redis
    app: Celery
    seen: int = 0

    def __post_init__(self) -> None:
        self._pid = self.worker.pid

    def send(self, calls: Sequence[tuple[list[Any], dict[str, Any]]], seconds: float = 120.0) -> list[Outcome]:
        """Queues completions by name, of arguments that nobody checks, and returns what comes of them."""
        outcomes = []
        for at in range(0, len(calls), _BATCH):
            ids = [self._sent(*call) for call in calls[at : at + _BATCH]]
            found = awaited(self.redis, ids, seconds)
            outcomes += [found[task_id] for task_id in ids]
        return outcomes

    def _sent(self, args: list[Any], kwargs: dict[str, Any]) -> str:
        return str(self.app.send_task("fallback.complete", args, kwargs, queue="completions", priority=6).id)

    def run(self, *arguments: str, redis_url: str) -> str:
        """Runs Python beside the worker, with its settings but for the Redis, and returns what it prints."""
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=celery_nodes.ROOT,
            env={**self.fleet.environment, **self.worker.environment, "REDIS_URL": redis_url},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-3_000:]
        return ran.stdout

    def assert_unharmed(self) -> None:
        """The worker is the one that started, and has no message left; what it asked was JSON."""
        wait_until(lambda: not left(self.redis))
        assert (self.worker.running, self.worker.pid) == (True, self._pid)
        assert self.upstream.wrong == []

    def log(self) -> str:
        """Returns what the worker wrote in this test."""
        return self.worker.output()[self.seen :]


@contextmanager
def bed(folder: Path, environment: dict[str, str]) -> Iterator[Bed]:
    """Gives it until the block ends."""
    with answering() as upstream, Fleet(folder, environment) as fleet:
        server = valkey.start(fleet)
        # The provider answers in prose: whoever asks for JSON would wait for retries until the deadline.
        settings = {**server.environment, **upstream.environment, "FALLBACK_BREAKER__RETRY_BUDGET__SHARE": "1"}
        worker = celery_nodes.start_worker(fleet, "only", queues=["completions"], environment=settings)
        with (
            Redis.from_url(server.url, decode_responses=True) as redis,
            Celery("stock", broker=server.url, set_as_current=False) as app,
        ):
            yield Bed(fleet, server, upstream, worker, redis, app)
