"""Celery's consumer, extended: refuses invalid messages, and prepares the worker process."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from celery.signals import after_setup_logger, celeryd_init
from celery.worker import consumer, state
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.chains import URGENT_PRIORITY
from tasks.celery import app, settings
from tasks.drained import DRAINED
from tasks.node.alerts import Alerts
from tasks.node.bulkheads import Slots
from tasks.node.heartbeat import Heartbeat
from tasks.node.liveness import Alive
from tasks.node.message_validation import fault, task_id
from tasks.node.outcome_guard import ending
from tasks.node.redaction import guard_logs
from tasks.node.release import Release
from tasks.node.scheduling import is_scheduled
from tasks.node.telemetry import Telemetry
from tasks.store import store
from worker.errors import InvalidRequest, RedisUnavailable
from worker.store.blocking_pool import WAIT
from worker.task.identity import found
from worker.telemetry.metrics.recording import METRICS

PUBLISHERS = 2
"""Connections of a worker's that publish retries; 500 at once are through in well under a second."""

FLUSH_EVERY = 0.5
"""Seconds between two messages with Celery's task events; a worker that answers all the time has several per loop."""

_log = logging.getLogger(__name__)
_LOSES_WORK = "loses running tasks when it stops, and acknowledgements when many end together"

app.steps["worker"] |= {Alerts, Alive, Heartbeat, Release, Slots, Telemetry}


class Consumer(consumer.Consumer):
    """A consumer that reports invalid messages to their senders, without mingle and gossip.

    Without these it is ready a second sooner and needs half the connections.
    """

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        options = {**(worker_options or {}), "without_mingle": True, "without_gossip": True}
        super().__init__(*args, worker_options=options, **kwargs)

    def ensure_connected(self, conn: Any) -> Any:
        """Connects; during a Redis outage it tries every second.

        Celery would wait 2 s longer before each try: up to 30 s after the end of the outage.
        """
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=1, interval_step=0)
        return super().ensure_connected(conn)

    def update_strategies(self) -> None:
        """Makes every task end, whatever Celery raises; see `ending`."""
        super().update_strategies()
        for task in self.app.tasks.values():
            task.__trace__ = ending(task.__trace__)

    def on_send_event_buffered(self) -> None:
        """Leaves task events for `_flush_task_events`; Celery would publish them at each turn of its loop."""

    def register_with_event_loop(self, hub: Any) -> None:
        """Registers with Celery's loop, which forgets its timers when the connection closes."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(FLUSH_EVERY, self._flush_task_events)

    def shutdown(self) -> None:
        """Publishes the last task events, and ends."""
        with suppress(RedisError, OperationalError, OSError):
            self._flush_task_events()
        super().shutdown()

    def _flush_task_events(self) -> None:
        if self.event_dispatcher:
            self.event_dispatcher.flush()

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Returns the handler of each fetched message: Celery's own, unless the message is invalid, or due later."""
        handle = super().create_task_handler(*args, **kwargs)

        def handle_valid(message: Any) -> None:
            if reason := fault(message, settings.results.max_request_bytes):
                self._refuse(message, reason)
            elif not is_scheduled(message):
                handle(message)

        return handle_valid

    def apply_eta_task(self, task: Any) -> None:
        """Starts a task whose time has come; where only urgent slots are free, any other goes back into the queue.

        On a drained worker each goes back.
        """
        message = task.message
        is_urgent = message.properties.get("priority") == URGENT_PRIORITY
        if not DRAINED and (is_urgent or message.channel.qos.common_places() != 0):
            super().apply_eta_task(task)
            return
        state.scheduled_requests.discard(task)
        message.channel.qos.give_back(message.delivery_tag)
        self.qos.decrement_eventually()

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Refuses a message that kombu could not decode."""
        self._refuse(message, "body: is no JSON that can be read")

    def _refuse(self, message: Any, reason: str) -> None:
        task = task_id(message)
        _log.error("message-refused task=%s %s", task, reason)
        if task:
            failed = InvalidRequest(reason)
            if not _is_answered(task):
                METRICS.refused("", type(failed).__name__)
                self.app.backend.mark_as_failure(task, failed)
            if self.event_dispatcher:
                self.event_dispatcher.send("task-failed", uuid=task, exception=repr(failed))
        # Last: if the failure could not be stored, the message is delivered again.
        message.reject_log_error(_log, self.connection_errors)


def _is_answered(task_id: str) -> bool:
    """Returns whether the id already has an outcome, which an unreadable message must not replace."""
    try:
        return found(store(), task_id) is not None
    except RedisUnavailable:
        return False


@celeryd_init.connect
def _refuse_pools(conf: Any, options: dict[str, Any], **_: Any) -> None:
    # The worker has not set its own pool yet.
    pool = str(options.get("pool_cls") or options.get("pool") or conf.worker_pool)
    for refused in ("gevent", "eventlet"):
        if refused in pool:
            # A signal's handler swallows exceptions, SystemExit excepted.
            print(f"--pool={refused}: refused, it {_LOSES_WORK}; use threads (the default) or prefork", file=sys.stderr)
            raise SystemExit(2)


@celeryd_init.connect
def _keep_answers(conf: Any, **_: Any) -> None:
    """Retries to store an answer until Redis accepts it.

    Without this, producers got TimeoutError after Redis hung for 10 s. It is set in workers alone: in a producer, `get`
    would no longer end at its timeout.
    """
    conf.update(
        result_backend_always_retry=True,
        result_backend_base_sleep_between_retries_ms=100,
        result_backend_max_sleep_between_retries_ms=1000,
    )
    # It logs a traceback per slot and try; `redis-unavailable` already reports the outage.
    logging.getLogger("celery.backends.base").setLevel(logging.ERROR)


@celeryd_init.connect
def _share_publishers(conf: Any, **_: Any) -> None:
    """Bounds the connections that publish retries. A retry that finds none free in time is rejected: see requeue.py."""
    conf.update(broker_pool_limit=PUBLISHERS, broker_pool_acquire_timeout=WAIT)


@after_setup_logger.connect
def _guard_logs(**_: Any) -> None:
    guard_logs()
