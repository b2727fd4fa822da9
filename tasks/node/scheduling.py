"""Moves fetched messages that are due later into the schedule in Redis, so that the worker does not hold them.

Celery would keep each in the memory of the worker that fetched it: docs/benchmarks/scheduled.md. The last second is
Celery's all the same: its timer starts a task within 2 ms of its time.
"""

from datetime import UTC, datetime
from typing import Any

from celery.utils.time import maybe_iso8601, maybe_make_aware
from celery.worker import state
from redis.exceptions import RedisError

from tasks.celery import COMPLETIONS, UNACKED, UNACKED_INDEX
from tasks.clock import CLOCK
from tasks.node.message_validation import task_id
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.task.parking import UnackedMessage
from worker.task.scheduling import Due, schedule

LEAD = 1.0
"""Seconds before its time that a scheduled message goes back into its queue."""

SOON = 2 * LEAD
"""Seconds to its time within which a message is not worth the way through the schedule."""

HOLDS = 100
"""Messages that may wait in Celery's timer. Further ones go back into the queue at their time, not before it."""


def is_scheduled(message: Any) -> bool:
    """Moves a message into the schedule if it is due later; returns False if this worker is to keep it.

    If Redis does not take it, Celery keeps it until its time.
    """
    eta = _epoch(message.headers.get("eta"))
    if eta is None or _has_expired(message):
        return False
    left = eta - CLOCK.now()
    if left > SOON:
        return _is_moved(message, eta - LEAD, eta)
    if left > 0 and len(state.scheduled_requests) >= HOLDS and _is_moved(message, eta, eta):
        return True
    # Celery's timer knows this host's clock alone.
    message.headers["eta"] = datetime.fromtimestamp(eta + CLOCK.ahead, UTC).isoformat()
    return False


def _is_moved(message: Any, back_at: float, eta: float) -> bool:
    task, channel = task_id(message), message.channel
    if task is None:
        return False
    # As kombu chooses the list; a message without a priority is as urgent as a retry.
    priority = channel.priority(channel._get_message_priority({"properties": message.properties}))
    due = Due(COMPLETIONS, priority, back_at, eta)
    try:
        moved = schedule(store(), task, due, UnackedMessage(UNACKED, UNACKED_INDEX, message.delivery_tag))
    except (RedisUnavailable, RedisError):
        return False
    if moved:
        channel.qos.let_go(message.delivery_tag)
    return moved


def _has_expired(message: Any) -> bool:
    expires = _epoch(message.headers.get("expires"))
    return expires is not None and expires <= CLOCK.now()


def _epoch(instant: Any) -> float | None:
    """Returns an instant of a message's headers as an epoch in seconds, None if there is none that can be read.

    One without a time zone is in UTC, as in Celery.
    """
    try:
        return float(maybe_make_aware(maybe_iso8601(instant)).timestamp()) if instant else None
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
