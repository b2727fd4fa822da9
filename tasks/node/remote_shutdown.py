"""Lets `celery control shutdown` stop a worker as SIGTERM does: its calls in flight hear of it, too."""

from typing import Any, NoReturn

from celery.platforms import EX_OK
from celery.worker import control
from celery.worker import state as worker_state


@control.control_command()
def shutdown(state: Any, msg: str = "Got shutdown from remote", **_: Any) -> NoReturn:
    """Shutdown worker(s), as SIGTERM does.

    Raises:
        WorkerShutdown: always.
    """
    worker_state.should_stop = EX_OK  # Celery's own command raises only
    control.shutdown(state, msg)
    raise AssertionError("Celery's shutdown returned")
