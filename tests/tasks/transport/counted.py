"""A queue of numbers, and the workers that write them down."""

from celery import Celery
from redis import Redis

from tasks.local import commands
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tests.waiting import wait_until

APPLICATION = "tests.tasks.transport.counting"
UNACKED = "{fallback}:2:unacked"
"""The application has the fleet's settings."""


class Counting:
    """A queue, its producer in this process, and workers that write down each number they are given."""

    def __init__(self, fleet: Fleet, redis: Redis, redis_url: str) -> None:
        self.redis = redis
        self._fleet = fleet
        self._environment = {"REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
        self._producer = Celery("producer", broker=redis_url, set_as_current=False)

    def worker(self, name: str, transport: str = "ours", concurrency: int = 4, **variables: str) -> Process:
        """Starts a worker on our transport or on kombu's own."""
        command = commands.worker(name, application=APPLICATION, concurrency=concurrency)
        environment = self._environment | {"TRANSPORT": transport} | variables
        return self._fleet.start(name, command, ready=writes(" ready."), environment=environment, cwd=ROOT)

    def ask(self, *numbers: int, seconds: float = 0.0, priority: int = 6) -> None:
        """Queues numbers to be written down."""
        for number in numbers:
            self._producer.send_task("counting.count", (number, seconds), queue="completions", priority=priority)

    def ask_nobody(self) -> None:
        """Queues a task that no worker knows."""
        self._producer.send_task("counting.unknown", queue="completions")

    @property
    def begun(self) -> list[int]:
        """Returns what a worker began to write down."""
        return [int(number) for number in self.redis.lrange("begun", 0, -1)]

    @property
    def counted(self) -> list[int]:
        """Returns what was written down."""
        return [int(number) for number in self.redis.lrange("counted", 0, -1)]

    def wait(self, number: int, seconds: float = 30.0) -> None:
        """Waits until so many different numbers are written down."""
        wait_until(lambda: len(set(self.counted)) >= number, seconds)

    def settle(self, seconds: float = 30.0) -> None:
        """Waits until nothing is queued or held."""
        names = [UNACKED, f"{UNACKED}_index", "completions", *(f"completions\x06\x16{step}" for step in (3, 6, 9))]
        wait_until(lambda: not self.redis.exists(*names), seconds)
