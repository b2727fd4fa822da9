"""What a worker process refuses, and what it sets up, before it consumes."""

import sys
from typing import Any

from celery.signals import after_setup_logger, celeryd_init
from celery.worker import consumer

from tasks.celery import app
from tasks.redaction import guard_logs
from tasks.visibility import Heartbeat

_LOSES_WORK = "loses running tasks when it stops, and acknowledgements when many end together"

app.steps["worker"].add(Heartbeat)


class Consumer(consumer.Consumer):
    """A consumer that does not chat with other workers: a second sooner ready, on half as many connections."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        options = {**(worker_options or {}), "without_mingle": True, "without_gossip": True}
        super().__init__(*args, worker_options=options, **kwargs)


@celeryd_init.connect
def _refuse_pools(conf: Any, options: dict[str, Any], **_: Any) -> None:
    # The instance does not know its pool yet.
    pool = str(options.get("pool_cls") or options.get("pool") or conf.worker_pool)
    for refused in ("gevent", "eventlet"):
        if refused in pool:
            # A signal's handler swallows exceptions, SystemExit excepted.
            print(f"--pool={refused}: refused, it {_LOSES_WORK}; use threads (the default) or prefork", file=sys.stderr)
            raise SystemExit(2)


@after_setup_logger.connect
def _guard_logs(**_: Any) -> None:
    guard_logs()
