"""Exports spans from the processes of a worker that answer completions: its own, or the children of its pool."""

from typing import Any

from celery import bootsteps
from celery.signals import celeryd_init, worker_process_init, worker_process_shutdown, worker_shutdown

from worker.telemetry.traces import tracing


class Traces(bootsteps.StartStopStep):
    """Begins to export before the first message comes, unless the children of a prefork pool do."""

    def start(self, worker: Any) -> None:
        """Begins, where the worker's own process answers."""
        if "prefork" not in worker.pool_cls.__module__:
            tracing.start()


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
