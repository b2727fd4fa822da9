"""The processes of one run: Valkey, the upstream, and two workers for each of the two tasks."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.kit.environment import inherited
from bench.kit.load import Side
from bench.kit.serving import Upstream
from bench.parts.worker import barest
from tasks import complete
from tasks.celery import COMPLETIONS
from tasks.celery import app as ours
from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT, start_worker
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey

WORKERS = 2
_PROMPT = "Tell the story of the night shift that no provider's outage could end, in about two hundred words."
_REQUEST = {"messages": [{"role": "user", "content": _PROMPT}]}


@dataclass(frozen=True)
class Bench:
    """What runs. Each side has a database of its own on the one server, hence queues of its own."""

    barest: Side
    ours: Side
    server: Valkey
    upstream: Upstream
    _fleet: Fleet
    _workers: tuple[Process, ...]

    @classmethod
    def start(cls, folder: Path, stack: ExitStack) -> Self:
        """Starts everything; it ends with the stack.

        Raises:
            FleetError: something did not come up.
        """
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, upstream = valkey.start(fleet), Upstream.start(fleet)
        fleet.environment |= {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "bench"}
        urls = [f"redis://127.0.0.1:{server.port}/{database}" for database in (0, 1)]
        for app, url in zip((barest.app, ours), urls, strict=True):
            app.conf.update(broker_url=url, result_backend=url)
        barests = _pids([_start_barest(fleet, f"barest{i}", urls[0]) for i in range(WORKERS)])
        workers = _start_ours(fleet, "ours", {"REDIS_URL": urls[1]})
        return cls(
            Side("barest", barest.app, lambda: barest.complete.delay(_REQUEST), barests),
            Side("ours", ours, lambda: complete.delay(_REQUEST), _pids(workers)),
            server,
            upstream,
            fleet,
            workers,
        )

    def plainly(self) -> Self:
        """Returns the two sides when no stream is asked for; our workers end, and others are started.

        Raises:
            FleetError: something did not come up.
        """
        environment = dict(self._workers[0].environment)
        for worker in self._workers:
            worker.stop()
        workers = _start_ours(self._fleet, "plain", environment | {"FALLBACK_PROVIDERS__OPENAI__STREAM": "false"})
        return replace(
            self,
            barest=replace(self.barest, ask=lambda: barest.complete_plainly.delay(_REQUEST)),
            ours=replace(self.ours, workers=_pids(workers)),
            _workers=workers,
        )


def _start_ours(fleet: Fleet, name: str, environment: dict[str, str]) -> tuple[Process, ...]:
    return tuple(
        start_worker(fleet, f"{name}{number}", queues=[COMPLETIONS], environment=environment)
        for number in range(WORKERS)
    )


def _pids(processes: Iterable[Process]) -> tuple[int, ...]:
    return tuple(process.pid for process in processes)


def _start_barest(fleet: Fleet, name: str, redis_url: str) -> Process:
    # Our workers do without these two by themselves.
    options = ["--without-mingle", "--without-gossip"]
    command = commands.worker(name, application="bench.parts.worker.barest", options=options)
    return fleet.start(name, command, ready=writes(" ready."), environment={"REDIS_URL": redis_url}, cwd=ROOT)
