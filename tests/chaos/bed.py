"""What is broken: a Redis, a provider that counts, and workers that are killed, stopped and started again."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from config.settings import load
from tasks.local import celery_nodes, commands, valkey
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey
from tests.chaos.provider import KEY, Provider
from worker.store.store import Store

SLOTS = 8
"""Calls that one worker has in flight at most."""

PROVIDERS = ("first", "second")
"""As the workers know them, by paths of the one that counts; completions go to the first alone."""

_PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "{url}/{name}/v1"
api_key_env = "{key}"
stream = false
models.default = {{ name = "bare" }}
"""
_CHAIN = """
[chains.default]
providers = ["first"]
"""


_LATELY = 3.0
_consumes = writes(" ready.")


@dataclass(frozen=True)
class Crash:
    """A worker killed at an epoch, with completions whose call was under way, or whose answer was not yet stored."""

    worker: str
    at: float
    in_flight: frozenset[str]


@dataclass
class Bed:
    """What runs; all of it ends with the fleet."""

    fleet: Fleet
    server: Valkey
    provider: Provider
    store: Store
    workers: list[Process] = field(default_factory=list)
    _starts: Iterator[int] = field(default_factory=count)

    @classmethod
    def start(
        cls, fleet: Fleet, *, delay: float, capacity: int = 1_000, settings: Mapping[str, str] | None = None
    ) -> Self:
        """Starts everything but workers; the provider takes about `delay` seconds for an answer, `capacity` at once.

        Raises:
            FleetError: something did not come up.
        """
        # On a busy disk `everysec` holds writes back for 2 s, which kill -9 loses: docs/explanation/durability.md.
        server, provider = valkey.start(fleet, sync="no"), Provider.start(fleet, delay=delay, capacity=capacity)
        tables = [_PROVIDER.format(name=name, url=provider.url, key=KEY) for name in PROVIDERS]
        file = fleet.folder / "fallback.toml"
        file.write_text("".join([*tables, _CHAIN]), encoding="utf-8")
        fleet.environment |= {"FALLBACK_CONFIG": str(file), **server.environment, **(settings or {})}
        read = load(fleet.environment)
        return cls(fleet, server, provider, Store(server.url, read.namespace, read.providers))

    def start_workers(self, names: Sequence[str], *, code: Path = celery_nodes.ROOT, **options: Any) -> None:
        """Starts workers side by side, and waits until all consume.

        Args:
            names: of the workers.
            code: the folder that they run the code of.
            options: of commands.worker, in place of the queue `completions` and SLOTS.

        Raises:
            FleetError: one did not come up.
        """
        given = {"queues": ["completions"], "concurrency": SLOTS, **options}
        with ThreadPoolExecutor(len(names)) as pool:
            self.workers += pool.map(lambda name: self._start(commands.worker(name, **given), name, code), names)

    def _start(self, command: Sequence[str], name: str, code: Path) -> Process:
        return self.fleet.start(name, command, ready=_consumes, environment=self._known(name), cwd=code)

    def _known(self, name: str) -> dict[str, str]:
        return {KEY: f"{name}-{next(self._starts)}"}

    def kill(self, worker: Process) -> Crash:
        """Kills a worker with -9, and returns what it had in hand: it is stopped while that is counted."""
        worker.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, worker.pid, os.WSTOPPED)  # all its threads: one may still be sending
        in_flight = self._unsettled(worker.environment[KEY])
        at = time.time()
        worker.kill()
        return Crash(worker.name, at, in_flight)

    def revive(self, worker: Process) -> None:
        """Starts a worker again, and does not wait for it."""
        worker.environment |= self._known(worker.name)
        worker.spawn()

    def ready(self) -> list[Process]:
        """Returns the workers that consume."""
        return [worker for worker in self.workers if worker.running and _consumes(worker)]

    def at_work(self, lately: float = _LATELY) -> list[Process]:
        """Returns the workers that have asked the provider in the last seconds."""
        callers = {call.caller for call in self.provider.calls(time.time() - lately)}
        return [worker for worker in self.workers if worker.running and worker.environment[KEY] in callers]

    def _unsettled(self, caller: str) -> frozenset[str]:
        last = {call.completion: call for call in self.provider.calls()}
        asked = [completion for completion, call in last.items() if call.caller == caller]
        if not asked:
            return frozenset()
        answers = self.store.run(*(("HGET", self.store.keys.task(completion), "answer") for completion in asked))
        return frozenset(completion for completion, answer in zip(asked, answers, strict=True) if answer is None)
