"""What a worker process refuses, and what it sets up, before it consumes."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.signals import after_setup_logger, celeryd_init
from celery.worker import consumer

from tasks.alive import Alive
from tasks.celery import app, settings
from tasks.completion import store
from tasks.envelope import fault, task_id
from tasks.redaction import guard_logs
from tasks.tracing import ending
from tasks.visibility import Heartbeat
from tasks.waiting import Release
from worker.errors import InvalidRequest, StoreAway
from worker.identity import found

_log = logging.getLogger(__name__)
_LOSES_WORK = "loses running tasks when it stops, and acknowledgements when many end together"

app.steps["worker"] |= {Alive, Heartbeat, Release}


class Consumer(consumer.Consumer):
    """A consumer that tells who sent it what is no task, and does not chat with other workers.

    Without the chat it is ready a second sooner, on half as many connections.
    """

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        options = {**(worker_options or {}), "without_mingle": True, "without_gossip": True}
        super().__init__(*args, worker_options=options, **kwargs)

    def ensure_connected(self, conn: Any) -> Any:
        """Connects, with a try a second while Redis is away.

        Celery's own would come 2 s later each time: up to 30 s after Redis is back.
        """
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=1, interval_step=0)
        return super().ensure_connected(conn)

    def update_strategies(self) -> None:
        """Lets the tasks end whatever Celery raises; see `ending`."""
        super().update_strategies()
        for task in self.app.tasks.values():
            task.__trace__ = ending(task.__trace__)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Returns what takes each message that is fetched: Celery's own, for those that it can take."""
        handle = super().create_task_handler(*args, **kwargs)

        def take(message: Any) -> None:
            if reason := fault(message, settings.results.max_request_bytes):
                self._refuse(message, reason)
            else:
                handle(message)

        return take

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Refuses a message that kombu could not even unpack."""
        self._refuse(message, "body: is no JSON that can be read")

    def _refuse(self, message: Any, reason: str) -> None:
        waits = task_id(message)
        _log.error("message-refused task=%s %s", waits, reason)
        if waits:
            failed = InvalidRequest(reason)
            if not _is_answered(waits):
                self.app.backend.mark_as_failure(waits, failed)
            if self.event_dispatcher:
                self.event_dispatcher.send("task-failed", uuid=waits, exception=repr(failed))
        # Last: a message whose refusal could not be told comes again.
        message.reject_log_error(_log, self.connection_errors)


def _is_answered(task_id: str) -> bool:
    """Says whether an outcome stands, which a message of the same id that cannot be read must not replace."""
    try:
        return found(store(), task_id) is not None
    except StoreAway:
        return False


@celeryd_init.connect
def _refuse_pools(conf: Any, options: dict[str, Any], **_: Any) -> None:
    # The instance does not know its pool yet.
    pool = str(options.get("pool_cls") or options.get("pool") or conf.worker_pool)
    for refused in ("gevent", "eventlet"):
        if refused in pool:
            # A signal's handler swallows exceptions, SystemExit excepted.
            print(f"--pool={refused}: refused, it {_LOSES_WORK}; use threads (the default) or prefork", file=sys.stderr)
            raise SystemExit(2)


@celeryd_init.connect
def _keep_answers(conf: Any, **_: Any) -> None:
    """Lets an answer wait in its slot until Redis takes it: after a hang of 10 s producers got TimeoutError instead.

    In workers alone: a producer's `get` would no longer end at its timeout.
    """
    conf.update(
        result_backend_always_retry=True,
        result_backend_base_sleep_between_retries_ms=100,
        result_backend_max_sleep_between_retries_ms=1000,
    )
    # A traceback per slot and try; `store-away` has said it.
    logging.getLogger("celery.backends.base").setLevel(logging.ERROR)


@after_setup_logger.connect
def _guard_logs(**_: Any) -> None:
    guard_logs()
