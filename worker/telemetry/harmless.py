"""Keeps a fault of telemetry from what it looks at: a completion, or the heartbeat that renews leases.

What runs in a span is a process's own: its span processors, exporters and samplers are not ours, and may raise.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

QUIET = 60.0
"""Seconds between two lines that say so."""

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class _Faults:
    """Says at most once a minute that telemetry failed, and how often. Many threads may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_at, self._unsaid = float("-inf"), 0

    def __call__(self, where: str, fault: Exception) -> None:
        with self._lock:
            self._unsaid += 1
            now = time.monotonic()
            if now - self._said_at < QUIET:
                return
            times, self._said_at, self._unsaid = self._unsaid, now, 0
        # Without its text, which is of code that is not ours.
        _log.warning("telemetry-failed in=%s error=%s times=%d", where, type(fault).__name__, times)


FAULTS = _Faults()


def harmless(function: Callable[P, R]) -> Callable[P, R | None]:
    """Returns the function, which returns None where it would raise an error."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the completion goes on
            FAULTS(function.__qualname__, fault)
            return None

    return guarded
