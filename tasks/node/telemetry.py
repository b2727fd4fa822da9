"""Begins and ends what each process of a worker reports: its counts to the fleet, spans and metrics to a collector.

1. A worker's heartbeat flushes the counts every 3 s; see heartbeat.py.
2. A child of a prefork pool has no heartbeat: a thread of its own flushes as often.
3. Each process flushes once more when it ends. One that is killed loses what it counted in its last 3 s.
4. Spans and metrics are exported where OpenTelemetry is configured, by the processes that answer completions.
"""

import logging
import threading
from typing import Any

from billiard.process import current_process
from celery import bootsteps
from celery.signals import celeryd_init, worker_process_init, worker_process_shutdown, worker_shutdown
from redis.exceptions import RedisError

from tasks.celery import settings
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.task.lease import RENEW_EVERY
from worker.telemetry.counters import flush
from worker.telemetry.metrics import export
from worker.telemetry.traces import tracing

_log = logging.getLogger(__name__)


class Telemetry(bootsteps.StartStopStep):
    """Begins the export of a worker whose tasks run in its own process, before the first message comes."""

    def start(self, worker: Any) -> None:
        """Begins, but not in the parent of a prefork pool: its children export what they see and count."""
        if "prefork" not in worker.pool_cls.__module__:
            _begin_export()


@celeryd_init.connect
def _load(**_: Any) -> None:
    tracing.load()


@worker_process_init.connect
def _begin_in_child(**_: Any) -> None:
    if current_process().name == "MainProcess":  # of the solo pool, which has a heartbeat
        return
    _begin_export()
    threading.Thread(target=_flush_for_ever, name="metrics", daemon=True).start()


def _begin_export() -> None:
    tracing.start()
    export.begin(settings)


def _flush_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(RENEW_EVERY):
        _flush()


@worker_shutdown.connect
@worker_process_shutdown.connect
def _end(**_: Any) -> None:
    _flush()
    export.end()
    tracing.stop()


def _flush() -> None:
    try:
        flush(store())
    except (RedisError, RedisUnavailable, OSError) as exc:
        _log.warning("metrics-not-flushed error=%s", type(exc).__name__)
