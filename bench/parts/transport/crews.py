"""Workers that do nothing, each crew on a server of its own, and what doing nothing costs them."""

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from celery import Celery
from redis import Redis

from bench.kit.load import PATIENCE, BenchError
from bench.parts.transport.noop import QUEUE, STARTED
from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.valkey import Valkey

_POLL = 0.01
_POLLING = "polling"
"""A user without CLIENT TRACKING."""


@dataclass(frozen=True)
class Burst:
    """What tasks cost that were all there at once: a second's, and milliseconds of CPU per task."""

    rate: float
    worker_ms: float
    redis_ms: float


@dataclass(frozen=True)
class Idle:
    """What waiting costs one worker, and Redis for it, per second; the commands within scripts are counted, too."""

    cpu_ms: float
    redis_ms: float
    requests: float
    commands: float


@dataclass
class Crew:
    """Workers on one transport (`ours` or `kombu`), and their server; with `poll` (s) it refuses to track."""

    transport: str
    server: Valkey
    redis: Redis
    producer: Celery
    poll: float = 0.0
    workers: list[Process] = field(default_factory=list)

    @classmethod
    def start(cls, fleet: Fleet, transport: str, poll: float = 0.0) -> "Crew":
        """Starts a server; workers are added.

        Raises:
            FleetError: it did not come up.
        """
        server = valkey.start(fleet, name=f"valkey-{transport}-{poll:g}")
        redis = Redis.from_url(server.url)
        redis.execute_command("ACL", "SETUSER", _POLLING, "on", "nopass", "~*", "&*", "+@all", "-client|tracking")
        return cls(transport, server, redis, Celery("producer", broker=server.url), poll)

    def add(self, fleet: Fleet) -> None:
        """Starts one more worker.

        Raises:
            FleetError: it did not come up.
        """
        name = f"{self.transport}-{self.poll:g}-{len(self.workers)}"
        command = commands.worker(name, application="bench.parts.transport.noop", loglevel="WARNING")
        environment = {**self.server.environment, "TRANSPORT": self.transport}
        if self.poll:
            url = self.server.url.replace("redis://", f"redis://{_POLLING}:any@")
            environment |= {"REDIS_URL": url, "POLL": str(self.poll)}
        self.workers.append(fleet.start(name, command, environment=environment, cwd=ROOT))

    def burst(self, number: int) -> Burst:
        """Returns what so many tasks cost."""
        messages = self._messages(number)
        pids = [worker.pid for worker in self.workers]
        worker, redis, started = _cpu(pids), _cpu([self.server.process.pid]), time.monotonic()
        self.redis.lpush(QUEUE, *messages)
        self._settle()
        took = time.monotonic() - started
        worker, redis = _cpu(pids) - worker, _cpu([self.server.process.pid]) - redis
        return Burst(number / took, 1000 * worker / number, 1000 * redis / number)

    def starts(self, number: int) -> list[float]:
        """Returns milliseconds from publishing to the task's first line, of tasks that came one by one.

        Where the worker polls, each comes at a random moment of the interval.
        """
        return [self._start() for _ in range(number)]

    def idle(self, seconds: float) -> Idle:
        """Returns what the workers cost while nothing comes."""
        pids, share = [worker.pid for worker in self.workers], seconds * len(self.workers)
        server = [self.server.process.pid]
        cpu, redis, asked = _cpu(pids), _cpu(server), self.redis.info("stats")
        threading.Event().wait(seconds)
        cpu, redis, answered = _cpu(pids) - cpu, _cpu(server) - redis, self.redis.info("stats")
        requests, ran = (
            (answered[name] - asked[name] - 1) / share  # our own question
            for name in ("total_reads_processed", "total_commands_processed")
        )
        return Idle(1000 * cpu / share, 1000 * redis / share, requests, ran)

    def _start(self) -> float:
        self.producer.send_task("noop.noop", (time.monotonic(),), queue=QUEUE)
        answer = self.redis.blpop([STARTED], PATIENCE)
        if answer is None:
            raise BenchError(f"{self.transport}: a task was never begun")
        self._settle()
        threading.Event().wait(_POLL + random.uniform(0, self.poll))  # for the worker to wait again
        return 1000 * float(answer[1])

    def _messages(self, number: int) -> list[bytes]:
        """Returns messages as a producer makes them, each with an id and a delivery tag of its own."""
        task_id = str(uuid4())
        with Redis(port=self.server.port, db=1) as aside, Celery(broker=f"{self.server.url[:-1]}1") as producer:
            producer.send_task("noop.noop", task_id=task_id, queue=QUEUE)
            message = aside.lpop(QUEUE)
        tag = json.loads(message)["properties"]["delivery_tag"]
        return [
            message.replace(task_id.encode(), str(uuid4()).encode()).replace(tag.encode(), str(uuid4()).encode())
            for _ in range(number)
        ]

    def _settle(self) -> None:
        until = time.monotonic() + PATIENCE
        while self.redis.exists(QUEUE, "{fallback}:2:unacked_index"):
            threading.Event().wait(_POLL)
            if time.monotonic() > until:
                raise BenchError(f"{self.transport}: tasks were never done")


def _cpu(pids: Sequence[int]) -> float:
    """Returns the seconds of CPU of all their threads; psutil's come in steps of 10 ms: coarse for an idle worker."""
    files = (path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(path.read_text().split()[0]) for path in files) / 1e9
