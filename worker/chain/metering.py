"""Ends one delivery of a completion, and counts how it ended, how long it waited, and what it took beside its calls."""

import time
from collections.abc import Callable

from worker.chain.delivery import Completion, Continue
from worker.chain.held_task import HeldTask
from worker.errors import Revoked, TaskFailed
from worker.task.journal import entries
from worker.telemetry.metrics.instruments import ANSWERED
from worker.telemetry.metrics.recording import METRICS


def metered(task: HeldTask, walk: Callable[[], Completion | Continue]) -> Completion | Continue:
    """Returns what the walk of a task that is held ends with, and counts it; a failure of the walk ends the task.

    Raises:
        TaskFailed, Revoked: the walk's, or the one that another delivery stored first.
    """
    before, delivery = len(task.lines), task.delivery
    if delivery.queued_at is not None and not delivery.step and task.lease.first == task.lease.now:
        METRICS.began(delivery.route.chain, task.lease.first - delivery.queued_at)
    try:
        outcome = _ended(task, walk)
        if isinstance(outcome, Completion):
            _count(task, ANSWERED, is_stored=outcome.unsettled is None)
        return outcome
    except (TaskFailed, Revoked) as failure:
        _count(task, type(failure).__name__, is_stored=failure.unsettled is None)
        raise
    finally:
        called_ms = sum(entry.latency_ms or 0.0 for entry in entries(task.lines[before:]))
        METRICS.overhead(time.monotonic() - task.started - called_ms / 1000)


def _ended(task: HeldTask, walk: Callable[[], Completion | Continue]) -> Completion | Continue:
    try:
        return walk()
    except (TaskFailed, Revoked) as failure:
        return task.fail(failure)


def _count(task: HeldTask, outcome: str, *, is_stored: bool) -> None:
    """Counts the end of a completion once: not where another delivery has stored its outcome."""
    chain = task.delivery.route.chain
    if is_stored:
        METRICS.duplicate(chain, task.lines)
    else:
        METRICS.completion(chain, outcome, task.time() - (task.delivery.queued_at or task.lease.first))
