"""A delivery's walk with its spans; worker/telemetry/traces/tracing.py says when."""

from collections.abc import Callable

from worker.chain.delivery import Completion, Continue
from worker.chain.held_task import HeldTask
from worker.task.journal import SKIPPED, Entry, entries
from worker.telemetry.harmless import harmless
from worker.telemetry.traces.received import Received
from worker.telemetry.traces.spans import DeliverySpan, Tracing
from worker.telemetry.traces.waits import waits

Walk = Callable[[DeliverySpan | None], Completion | Continue]


def traced(tracing: Tracing, task: HeldTask, walk: Walk) -> Completion | Continue:
    """Walks in the span of a delivery whose lease was asked for; without one where the tracer fails.

    Raises:
        FallbackError: as the walk.
    """
    begun = _begun(tracing, task)
    if begun is None:
        return walk(None)
    with begun as span:
        if span.is_first:
            for provider, reason in task.delivery.route.unfit():
                span.skipped(Entry(provider, SKIPPED, task.time(), reason=reason))
        outcome = walk(span)
        _end(span, task, outcome)
    return outcome


@harmless
def _begun(tracing: Tracing, task: HeldTask) -> DeliverySpan:
    return DeliverySpan(tracing, _received(task), task.time)


def _received(task: HeldTask) -> Received:
    delivery, lease = task.delivery, task.lease
    is_taken = lease.kind == "taken"
    is_first = is_taken and lease.now == lease.first
    is_queued = is_first and delivery.queued_at is not None
    return Received(
        delivery.task_id,
        delivery.route.chain.name,
        delivery.trace_context,
        is_first,
        task.started_at,
        waits(lease, delivery.queued_at, delivery.sent_at) if is_taken else (),
        sum(entry.outcome != SKIPPED for entry in (*entries(lease.journal), *lease.crashed_attempts)),
        delivery.step,
        round(max(0.0, lease.now - (delivery.queued_at or 0.0)) * 1000, 1) if is_queued else None,
    )


@harmless
def _end(span: DeliverySpan, task: HeldTask, outcome: Completion | Continue) -> None:
    if isinstance(outcome, Completion):
        told = outcome.result["fallback"]
        span.ended(
            "answered" if task.lease.kind == "taken" else "found answered", told.get("provider"), told.get("cost_usd")
        )
    elif outcome.park_until:
        span.ended("parked")
    else:
        span.ended("retry" if task.lease.kind == "taken" else task.lease.kind)
