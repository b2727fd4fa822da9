"""Exports spans from the processes of a worker that answer completions: its own, or the children of its pool."""

from typing import Any

from celery import bootsteps
from celery.signals import celeryd_init, worker_process_init, worker_process_shutdown, worker_shutdown

from tasks.celery import app
from worker.telemetry.traces import tracing


class Traces(bootsteps.StartStopStep):
    """Begins to export before the first message comes, unless the children of a prefork pool do."""

    def start(self, worker: Any) -> None:
        """Begins, where the worker's own process answers."""
        if not worker.pool_cls.__module__.endswith("prefork"):
            tracing.start()


app.steps["worker"].add(Traces)


@celeryd_init.connect
def _load(**_: Any) -> None:
    tracing.load()


@worker_process_init.connect
def _start(**_: Any) -> None:
    tracing.start()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _stop(**_: Any) -> None:
    tracing.stop()
