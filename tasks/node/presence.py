"""Reports this worker by its name: whether it consumes and why not, its clock, its slots, the providers that it has.

The heartbeat writes it; nothing of it is on a request's way.
"""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from celery import signals
from celery.bootsteps import RUN
from celery.worker import state
from redis.exceptions import RedisError

from config.alerts import Receiver
from config.providers import DISABLED, Provider
from tasks.celery import COMPLETIONS, PROBES, settings
from tasks.clock import CLOCK
from tasks.drained import DRAINED
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.providers.credentials import fingerprint
from worker.telemetry import workers
from worker.telemetry.workers import CANCELLED, NO_COMPLETIONS, Worker

_TASK = "fallback.complete"
_log = logging.getLogger(__name__)


class Presence:
    """What the fleet knows of this worker."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._started_at = time.time()
        self._takes_completions = COMPLETIONS in worker.app.amqp.queues.consume_from
        self._takes_probes = PROBES in worker.app.amqp.queues.consume_from
        self._taken, self._taken_at = 0, 0.0
        self._gone = False
        self._lock = threading.Lock()
        signals.worker_ready.connect(self._report_now)
        DRAINED.report = self._report_now
        signals.worker_shutdown.connect(self.remove)

    def report(self) -> None:
        """Writes it anew, unless the worker has ended.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        with self._lock:
            if not self._gone:
                workers.report(store(), self._now())

    def _report_now(self, **_: Any) -> None:
        """Reports at once that the worker consumes, which its first heartbeat could not, or that it was drained."""
        with suppress(RedisUnavailable, RedisError):
            self.report()

    def remove(self, **_: Any) -> None:
        """Removes it; nothing is reported after that. Without Redis it expires by itself."""
        with self._lock:
            self._gone = True
            try:
                workers.remove(store(), self._worker.hostname)
            except (RedisUnavailable, RedisError) as exc:
                _log.warning("worker-not-removed error=%s", type(exc).__name__)

    def _now(self) -> Worker:
        now, taken = CLOCK.now(), state.total_count[_TASK]
        if taken != self._taken:
            self._taken, self._taken_at = taken, now
        reason = why_not(self._worker) if self._takes_completions else NO_COMPLETIONS
        return Worker(
            name=self._worker.hostname,
            version=version("fallback-workers"),
            started_at=round(self._started_at - CLOCK.ahead, 3),
            seen_at=now,
            consuming=not reason,
            reason=reason,
            clock_offset=round(CLOCK.ahead, 3),
            slots=self._worker.concurrency,
            used=len(state.active_requests),
            last_task_at=round(self._taken_at, 3),
            keys=keys(settings.providers, settings.namespace),
            missing=lacking(settings.providers),
            receivers=receivers(settings.alerts) if self._takes_probes else {},
        )


def keys(providers: Mapping[str, Provider], namespace: str) -> dict[str, str]:
    """Returns the fingerprint of the secrets with which each provider is asked here; empty where it has none."""
    return {name: fingerprint(each, namespace) for name, each in providers.items() if each.missing is None}


def lacking(providers: Mapping[str, Provider]) -> dict[str, str]:
    """Returns the providers that cannot be asked here, and why; those that are disabled are not meant to be."""
    return {name: each.missing for name, each in providers.items() if each.missing and each.missing != DISABLED}


def receivers(alerts: Mapping[str, Receiver]) -> dict[str, str]:
    """Returns the variable that each receiver of alerts lacks here, empty if it lacks none."""
    return {name: each.missing or "" for name, each in alerts.items()}


def why_not(worker: Any) -> str:
    """Returns why a worker takes no completions, empty if it does."""
    if DRAINED:
        return workers.DRAINED
    consumer = getattr(getattr(worker, "consumer", None), "task_consumer", None)
    if worker.blueprint.state not in (RUN, None) or state.should_stop is not None:
        return "stopping"
    if not CLOCK.right:
        return f"its clock is {CLOCK.ahead:+.1f} s off"
    if consumer is None:
        return "starting"
    if consumer.consuming_from(COMPLETIONS):
        return ""
    is_to_consume = COMPLETIONS in worker.app.amqp.queues.consume_from
    return "reconnecting" if is_to_consume else CANCELLED
