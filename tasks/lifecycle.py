"""What a worker process refuses, and what it sets up, before it consumes."""

import sys
from typing import Any

from celery.signals import after_setup_logger, celeryd_init

from tasks.celery import app
from tasks.redaction import guard_logs
from tasks.visibility import Heartbeat

_LOSES_WORK = "loses running tasks when it stops, and acknowledgements when many end together"

app.steps["worker"].add(Heartbeat)


@celeryd_init.connect
def _refuse_pools(instance: Any = None, **_: Any) -> None:
    pool = str(instance.pool_cls)
    for refused in ("gevent", "eventlet"):
        if refused in pool:
            # A signal's handler swallows exceptions, SystemExit excepted.
            print(f"--pool={refused}: refused, it {_LOSES_WORK}; use threads (the default) or prefork", file=sys.stderr)
            raise SystemExit(2)


@after_setup_logger.connect
def _guard_logs(**_: Any) -> None:
    guard_logs()
