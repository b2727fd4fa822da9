"""Ends a delivery without an outcome: the message is parked, or queued again."""

from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject

from config.chains import RETRY_PRIORITY, URGENT_PRIORITY
from tasks.celery import UNACKED, UNACKED_INDEX
from tasks.clock import CLOCK
from tasks.headers import HEADER, our_headers, trace_context
from tasks.store import store
from worker.chain.delivery import Continue
from worker.errors import InvalidRequest, RedisUnavailable
from worker.request.version import FIRST_VERSION, LATEST_VERSION
from worker.task.parking import ParkUntil, UnackedMessage, park

LEAVE_TO_NEWER = 1.0
"""Seconds until a message that only a newer worker can read is offered again."""

LONGEST = 86_400.0
"""Seconds that a completion may take."""

_NEWER = (
    f"is later than {LATEST_VERSION}, the last that this worker reads; no other took it in time; upgrade the workers"
)


def continue_later(task: Task, later: Continue) -> NoReturn:
    """Parks the message, or queues the next one.

    Raises:
        Ignore: it is parked.
        Retry, Reject: as `_retry`.
    """
    headers = {**trace_context(task.request), **(task.request.headers or {})}
    version = our_headers(headers).get("version", FIRST_VERSION)
    # A parked message keeps its headers, so an older worker might take it.
    if later.park_until and later.version <= version and _is_parked(task, later.park_until):
        raise Ignore("parked until a provider admits")
    ours = {**our_headers(headers), "version": max(later.version, version), "step": later.step}
    if later.remaining is not None:
        ours["remaining"] = list(later.remaining)
    ours.pop("current", None)
    headers[HEADER] = ours if later.current is None else {**ours, "current": later.current}
    _retry(task, later.delay, headers)


def leave_to_newer_worker(task: Task) -> NoReturn:
    """Queues a message of a later version again, until its deadline, for a worker that can read it.

    Raises:
        InvalidRequest: no worker took it in time.
        Retry, Reject: as `_retry`.
    """
    deadline = our_headers(task.request.headers).get("deadline_at")
    if not isinstance(deadline, int | float) or not 0 < deadline - CLOCK.now() <= LONGEST:
        raise InvalidRequest(f"headers.{HEADER}.version: {_NEWER}")
    _retry(task, LEAVE_TO_NEWER, task.request.headers)


def _is_parked(task: Task, until: ParkUntil) -> bool:
    """Parks the message; returns False if it must be queued again instead."""
    tag = task.request.properties["delivery_tag"]
    try:
        return park(store(), task.request.id, until, UnackedMessage(UNACKED, UNACKED_INDEX, tag))
    except RedisUnavailable:
        return False


def _retry(task: Task, delay: float, headers: dict[str, Any]) -> NoReturn:
    """Queues the message again, to be delivered in `delay` seconds.

    Raises:
        Retry: it is queued.
        Reject: it could not be queued. Celery would drop it; so it is requeued like that of a dead worker.
    """
    # An urgent one stays so: the slots that are kept for it take nothing else.
    was = (task.request.delivery_info or {}).get("priority")
    priority = URGENT_PRIORITY if was == URGENT_PRIORITY else RETRY_PRIORITY
    try:
        task.retry(countdown=delay, headers=headers, priority=priority)
    except Reject as exc:
        raise Reject(exc.reason, requeue=True) from exc
    raise AssertionError("Celery's retry returned")
