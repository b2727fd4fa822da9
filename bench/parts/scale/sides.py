"""The two checkouts that bench/scale.py compares: each has a server of its own and one worker process at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from redis import Redis

from tasks.local import commands, valkey
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey


@dataclass(frozen=True)
class Side:
    """A checkout of this repository and its server."""

    name: str
    checkout: Path
    server: Valkey
    redis: Redis
    _fleet: Fleet

    @classmethod
    def start(cls, fleet: Fleet, name: str, checkout: Path) -> Self:
        """Starts the server; it ends with the fleet.

        Raises:
            FleetError: it did not come up.
        """
        server = valkey.start(fleet, name=f"valkey-{name}")
        return cls(name, checkout, server, Redis.from_url(server.url), fleet)

    def worker(self, slots: int) -> Process:
        """Starts a worker with so many slots, of the checkout's code, on an empty server.

        Raises:
            FleetError: it did not come up.
        """
        self.redis.flushall()
        command = commands.worker(self.name, queues=["completions"], concurrency=slots)
        environment = {**self.server.environment, "PYTHONPATH": str(self.checkout)}
        return self._fleet.start(
            f"worker-{self.name}", command, ready=writes(" ready."), environment=environment, cwd=self.checkout
        )

    def connections(self, worker: Process) -> int:
        """Returns how many connections the server has from a worker."""
        ports = {each.laddr.port for each in psutil.Process(worker.pid).net_connections("tcp")}
        return sum(int(client["addr"].rpartition(":")[2]) in ports for client in self.redis.client_list())
