"""Celery's processes on this machine: workers, beat and Flower."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.local import commands
from tasks.local.fleet import Fleet
from tasks.local.process import Process
from tasks.local.readiness import http_answers, writes

ROOT = Path(__file__).parents[2]
"""The folder that holds `config`, `worker` and `tasks`: `celery -A tasks` runs there."""


def start_worker(
    fleet: Fleet,
    name: str,
    *,
    queues: Sequence[str] = (),
    concurrency: int | None = None,
    environment: Mapping[str, str] | None = None,
    grace: float = 10.0,
) -> Process:
    """Starts a worker and waits until it consumes; `grace` is the seconds that its running tasks have at the end.

    Raises:
        FleetError: it did not start.
    """
    command = commands.worker(name, queues=queues, concurrency=concurrency)
    return fleet.start(name, command, ready=writes(" ready."), environment=environment, cwd=ROOT, grace=grace)


def start_beat(fleet: Fleet, *, name: str = "beat", environment: Mapping[str, str] | None = None) -> Process:
    """Starts beat, with its schedule file in the run folder.

    Raises:
        FleetError: it did not start.
    """
    command = commands.beat(fleet.folder / f"{name}-schedule")
    return fleet.start(name, command, ready=writes("beat: Starting"), environment=environment, cwd=ROOT)


def start_flower(
    fleet: Fleet, port: int, *, name: str = "flower", environment: Mapping[str, str] | None = None
) -> Process:
    """Starts Flower on 127.0.0.1 and waits until its pages answer.

    Raises:
        FleetError: it did not start.
    """
    ready = http_answers(port, "/healthcheck")
    return fleet.start(name, commands.flower(port), ready=ready, environment=environment, cwd=ROOT)
