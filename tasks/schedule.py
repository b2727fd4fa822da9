"""When a completion is due: `countdown` or `eta` of its producer, by the clock of Redis."""

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from numbers import Real
from typing import Any

from celery.utils.time import maybe_make_aware

from tasks.clock import redis_now
from worker.errors import InvalidRequest

FARTHEST = 366 * 86_400
"""Seconds from now that a completion may be due."""

LATEST = 86_400
"""Seconds ago that it may have been due: more is a mistake, such as a year, or milliseconds taken for seconds."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a message is queued, and when it is due: epochs in seconds by the clock of Redis."""

    now: float
    due: float

    @property
    def delay(self) -> float:
        """Returns the seconds from now until it is due."""
        return self.due - self.now

    @property
    def eta(self) -> datetime | None:
        """Returns what Celery is told; None if the message is due now."""
        return datetime.fromtimestamp(self.due, UTC) if self.delay else None


def schedule(countdown: Any, eta: Any) -> Schedule:
    """Returns when a message is due; `countdown` counts before `eta`, as in Celery. What is past is due now.

    Args:
        countdown: seconds from now, or None.
        eta: a datetime, one without a time zone in UTC, as Celery reads it; the same as text of ISO 8601; or None.

    Raises:
        InvalidRequest: one of them is no such value, or is too far away.
    """
    now = redis_now()
    if countdown is not None:
        return Schedule(now, now + max(0.0, _bounded("countdown", _seconds(countdown))))
    if eta is not None:
        return Schedule(now, now + max(0.0, _bounded("eta", _epoch(eta) - now)))
    return Schedule(now, now)


def _seconds(countdown: Any) -> float:
    if isinstance(countdown, Real) and not isinstance(countdown, bool):
        with suppress(OverflowError):  # an integer beyond every float
            if math.isfinite(seconds := float(countdown)):
                return seconds
    raise InvalidRequest("countdown: must be a finite number of seconds")


def _epoch(eta: Any) -> float:
    with suppress(ValueError, OverflowError):
        instant = datetime.fromisoformat(eta) if isinstance(eta, str) else eta
        if isinstance(instant, datetime):
            return float(maybe_make_aware(instant).timestamp())
    raise InvalidRequest("eta: must be a datetime")


def _bounded(field: str, delay: float) -> float:
    if delay > FARTHEST:
        raise InvalidRequest(f"{field}: must be at most {FARTHEST // 86_400} days from now")
    if delay < -LATEST:
        raise InvalidRequest(f"{field}: must not be more than a day ago")
    return delay
