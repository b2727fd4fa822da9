"""What Celery runs a task by, made to end: a pool of threads loses what it raises, and keeps the message for ever."""

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.app.trace import FAILURE, REJECTED, TraceInfo, trace_ok_t
from celery.exceptions import BackendError, Reject
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError, TimeoutError

from worker.client import refuses_writes

_AWAY = (ConnectionError, TimeoutError, OperationalError, BackendError, OSError)
_log = logging.getLogger(__name__)

Trace = Callable[..., Any]


def ending(trace: Trace) -> Trace:
    """Returns Celery's tracer of a task, whose exceptions are outcomes.

    What could not be stored goes back to the queue. What else Celery itself raises (for links that are none) has been
    stored as the task's failure, or cannot be: the message goes.
    """

    def traced(*args: Any, **kwargs: Any) -> Any:
        try:
            return trace(*args, **kwargs)
        except Reject as exc:
            return _ended(exc, REJECTED)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it must not keep the message
            if isinstance(exc, _AWAY) or refuses_writes(exc):
                _log.warning("outcome-not-stored error=%s", type(exc).__name__)
                return _ended(Reject(type(exc).__name__, requeue=True).with_traceback(exc.__traceback__), REJECTED)
            _log.error("task-not-ended error=%s", type(exc).__name__)
            return _ended(exc, FAILURE)

    return traced


def _ended(exc: Exception, state: str) -> Any:
    return trace_ok_t(ExceptionInfo((type(exc), exc, exc.__traceback__)), TraceInfo(state, exc), 0.0, None)
