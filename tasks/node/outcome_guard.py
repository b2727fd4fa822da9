"""Turns every exception of Celery's task tracer into an outcome.

A pool of threads would lose the exception and keep the message for ever.
"""

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.app.trace import FAILURE, REJECTED, TraceInfo, trace_ok_t
from celery.exceptions import BackendError, Reject
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError, TimeoutError

from worker.store.client import refuses_writes

_OUTAGE = (ConnectionError, TimeoutError, OperationalError, BackendError, OSError)
_log = logging.getLogger(__name__)

Trace = Callable[..., Any]


def ending(trace: Trace) -> Trace:
    """Returns Celery's tracer of a task, which raises nothing any more.

    1. An outcome that could not be stored: the message goes back to the queue.
    2. Any other exception of Celery's, such as for an invalid link: it has been stored as the task's failure, or cannot
       be stored. The message is acknowledged.
    """

    def traced(*args: Any, **kwargs: Any) -> Any:
        try:
            return trace(*args, **kwargs)
        except Reject as exc:
            return _ended(exc, REJECTED)
        except Exception as exc:  # noqa: BLE001 - no exception may keep the message
            if isinstance(exc, _OUTAGE) or refuses_writes(exc):
                _log.warning("outcome-not-stored error=%s", type(exc).__name__)
                return _ended(Reject(type(exc).__name__, requeue=True).with_traceback(exc.__traceback__), REJECTED)
            _log.error("task-not-ended error=%s", type(exc).__name__)
            return _ended(exc, FAILURE)

    return traced


def _ended(exc: Exception, state: str) -> Any:
    return trace_ok_t(ExceptionInfo((type(exc), exc, exc.__traceback__)), TraceInfo(state, exc), 0.0, None)
