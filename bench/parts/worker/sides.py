"""The processes of one run: Valkey, the upstream, and two workers for each of the tasks."""

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from celery import Celery
from celery.result import AsyncResult

from bench.kit.environment import inherited
from bench.kit.load import Side
from bench.kit.serving import Upstream
from bench.parts.worker import barest
from bench.parts.worker.stock import stock
from tasks import complete
from tasks.celery import COMPLETIONS
from tasks.celery import app as ours
from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import writes
from tasks.local.valkey import Valkey

WORKERS = 2
BAREST, ROUTED = "bench.parts.worker.barest", "bench.parts.worker.routed"
_NO_NETWORK = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
"""LiteLLM else fetches its table of prices when it is imported."""

_PROMPT = "Tell the story of the night shift that no provider's outage could end, in about two hundred words."
_REQUEST = {"messages": [{"role": "user", "content": _PROMPT}]}


@dataclass(frozen=True)
class Launch:
    """How workers start: which module is Celery's command line, their slots (None for the default), a third side.

    `litellm` is a Python that has LiteLLM, None without that side.
    """

    module: str = "celery"
    slots: int | None = None
    litellm: Path | None = None

    def worker(self, fleet: Fleet, name: str, application: str, redis_url: str, *options: str) -> Process:
        """Starts a worker of an application and waits until it consumes.

        Raises:
            FleetError: it did not start.
        """
        _, _, _, *rest = commands.worker(name, application=application, concurrency=self.slots, options=options)
        python = str(self.litellm) if application == ROUTED else sys.executable
        environment = {"REDIS_URL": redis_url, "BENCH_AREAS": str(fleet.folder), **_NO_NETWORK}
        command = [python, "-m", self.module, *rest]
        return fleet.start(name, command, ready=writes(" ready."), environment=environment, cwd=ROOT, within=60.0)


@dataclass(frozen=True)
class Bench:
    """What runs. Each side has a database of its own on the one server, hence queues of its own."""

    barest: Side
    ours: Side
    routed: Side | None
    server: Valkey
    upstream: Upstream
    fleet: Fleet
    _launch: Launch
    _workers: tuple[Process, ...]

    @classmethod
    def start(cls, folder: Path, stack: ExitStack, launch: Launch) -> Self:
        """Starts everything; it ends with the stack.

        Raises:
            FleetError: something did not come up.
        """
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, upstream = valkey.start(fleet), Upstream.start(fleet)
        fleet.environment |= {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "bench"}
        routed = stock("routed")
        for database, app in enumerate((barest.app, ours, routed)):
            url = f"redis://127.0.0.1:{server.port}/{database}"
            app.conf.update(broker_url=url, result_backend=url)
        workers = _start_ours(fleet, launch, "ours")
        return cls(
            Side(
                "barest",
                barest.app,
                lambda: barest.complete.delay(_REQUEST),
                _start_stock(fleet, launch, BAREST, barest.app),
            ),
            Side("ours", ours, lambda: complete.delay(_REQUEST), _pids(workers)),
            Side("routed", routed, _asking(routed, "routed.complete"), _start_stock(fleet, launch, ROUTED, routed))
            if launch.litellm
            else None,
            server,
            upstream,
            fleet,
            launch,
            workers,
        )

    @property
    def sides(self) -> list[Side]:
        """Returns those that are measured."""
        return [side for side in (self.barest, self.ours, self.routed) if side]

    def areas(self, side: Side) -> list[Path]:
        """Returns the files that a side's workers write where `bench.parts.profiles.measured` is their module."""
        return [self.fleet.folder / f"{pid}.areas" for pid in side.workers]

    def plainly(self) -> Self:
        """Returns the two sides when no stream is asked for; our workers end, and others are started.

        Raises:
            FleetError: something did not come up.
        """
        for worker in self._workers:
            worker.stop()
        self.fleet.environment["FALLBACK_PROVIDERS__OPENAI__STREAM"] = "false"
        workers = _start_ours(self.fleet, self._launch, "plain")
        return replace(
            self,
            barest=replace(self.barest, ask=lambda: barest.complete_plainly.delay(_REQUEST)),
            ours=replace(self.ours, workers=_pids(workers)),
            routed=self.routed and replace(self.routed, ask=_asking(self.routed.app, "routed.complete_plainly")),
            _workers=workers,
        )


def _start_ours(fleet: Fleet, launch: Launch, name: str) -> tuple[Process, ...]:
    url = ours.conf.broker_url
    return tuple(launch.worker(fleet, f"{name}{i}", "tasks", url, "-Q", COMPLETIONS) for i in range(WORKERS))


def _start_stock(fleet: Fleet, launch: Launch, module: str, app: Celery) -> tuple[int, ...]:
    # Our workers do without these two by themselves.
    options = ("--without-mingle", "--without-gossip")
    url = app.conf.broker_url
    return _pids(launch.worker(fleet, f"{app.main}{i}", module, url, *options) for i in range(WORKERS))


def _pids(processes: Iterable[Process]) -> tuple[int, ...]:
    return tuple(process.pid for process in processes)


def _asking(app: Celery, name: str) -> Callable[[], AsyncResult]:
    return lambda: app.signature(name, args=[_REQUEST]).delay()
