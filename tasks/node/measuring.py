"""Adds what each process has counted to the fleet's metrics, and exports it where OpenTelemetry is configured.

1. A worker's heartbeat flushes every 3 s; see heartbeat.py.
2. A child of a prefork pool has no heartbeat: a thread of its own flushes as often.
3. Each process flushes once more when it ends. One that is killed loses what it counted in its last 3 s.
"""

import logging
import threading
from typing import Any

from billiard.process import current_process
from celery import bootsteps
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown
from redis.exceptions import RedisError

from tasks.celery import settings
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.task.lease import RENEW_EVERY
from worker.telemetry.counters import flush
from worker.telemetry.metrics import export

_log = logging.getLogger(__name__)


class Measuring(bootsteps.StartStopStep):
    """Begins the export of a worker whose tasks run in its own process."""

    def start(self, worker: Any) -> None:
        """Begins, but not in the parent of a prefork pool: its children export what they count."""
        if "prefork" not in worker.pool_cls.__module__:
            export.begin(settings)


@worker_process_init.connect
def _begin_in_child(**_: Any) -> None:
    if current_process().name == "MainProcess":  # of the solo pool, which has a heartbeat
        return
    export.begin(settings)
    threading.Thread(target=_flush_for_ever, name="metrics", daemon=True).start()


def _flush_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(RENEW_EVERY):
        _flush()


@worker_shutdown.connect
@worker_process_shutdown.connect
def _end(**_: Any) -> None:
    _flush()
    export.end()


def _flush() -> None:
    try:
        flush(store())
    except (RedisError, RedisUnavailable, OSError) as exc:
        _log.warning("metrics-not-flushed error=%s", type(exc).__name__)
