"""The task `fallback.complete`: a thin shell around `worker.chain.walk`.

`tasks.publishing` queues it, `tasks.request_check` checks its arguments, `tasks.requeue` ends a delivery that has no
outcome yet.
"""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

from celery.exceptions import Ignore
from celery.worker import state
from redis.exceptions import RedisError

from tasks.celery import app, settings
from tasks.drained import DRAINED
from tasks.headers import is_newer, our_headers, read_stage, trace_context
from tasks.publishing import CompletionTask
from tasks.request_check import bind_arguments, check_request, is_chain_name, to_json
from tasks.requeue import continue_later, leave_to_newer_worker
from tasks.store import store
from worker.chain.delivery import Completion, Continue, Delivery, StopReason
from worker.chain.route import Route
from worker.chain.walk import complete as walk
from worker.errors import RedisUnavailable, Revoked, TaskFailed, TaskIdReused
from worker.task import dead_letters, identity
from worker.telemetry.metrics.recording import METRICS


@app.task(name="fallback.complete", base=CompletionTask, bind=True, typing=False)
def complete(self: CompletionTask, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Returns the completion by the first provider of a chain that answers.

    Args:
        self: the task.
        args: `request`, an OpenAI-shaped request, and `chain`, the chain's name.
        kwargs: the same by name; without `chain` it is `default`.

    Raises:
        TaskFailed: with one line that has each provider's error.
        Ignore, Reject, Retry: what Celery does with the message instead.
    """
    if is_newer(self.request.headers):
        leave_to_newer_worker(self)
    outcome = _outcome(self, args, kwargs)
    if isinstance(outcome, Continue):
        continue_later(self, outcome)
    return outcome.result


def _outcome(task: CompletionTask, args: Any, kwargs: Any) -> Completion | Continue:
    """Walks the chain.

    Raises:
        TaskFailed: it failed for good.
        Ignore: the producer revoked it, or its id belongs to another request.
    """
    try:
        outcome = _walk(task, args, kwargs)
    except Revoked:
        task.backend.mark_as_revoked(task.request.id, reason="revoked", request=task.request)
        raise Ignore from None
    except TaskIdReused:  # nothing is stored: Celery keeps one result for both
        raise Ignore("its id belongs to another request") from None
    if isinstance(outcome, Completion) and "duplicates" in outcome.result["fallback"]:
        with suppress(RedisError):  # the result stands without them
            task.backend.replace_result(task.request.id, outcome.result, task.request)
    return outcome


def _walk(task: CompletionTask, args: Any, kwargs: Any) -> Completion | Continue:
    """Walks the chain; leaves an outcome that the walk has settled, or will, to tasks/node/result_backend.py.

    Raises:
        TaskFailed, Revoked: as `walk`; or the message was refused before.
    """
    payload, chain = [args, kwargs], None
    try:
        payload, chain = bind_arguments(*args, **kwargs)
        delivery = _delivery(task, payload, chain)
    except TaskFailed as refused:
        with suppress(RedisUnavailable):
            if found := identity.found(store(), task.request.id, identity.fingerprint(payload)):
                return Completion(identity.outcome(found, task.request.id))
            _keep_dead_letter(task, payload, chain, refused)
        METRICS.refused(chain if is_chain_name(chain) and chain in settings.chains else "", type(refused).__name__)
        raise
    try:
        outcome = walk(store(), delivery)
    except (TaskFailed, Revoked) as failure:
        task.request.unsettled = failure.unsettled
        raise
    if isinstance(outcome, Completion):
        task.request.unsettled = outcome.unsettled
    return outcome


def _delivery(task: CompletionTask, payload: Any, chain: Any) -> Delivery:
    """Returns what one delivery of the message asks for.

    Raises:
        UnknownChain, InvalidRequest: the arguments or our headers are invalid.
    """
    message, stage = task.request, read_stage(task.request.headers)
    request = check_request(settings, payload, chain)
    if not our_headers(message.headers):  # sent by name: nobody has checked the size yet
        to_json(settings, request)
    forms = [payload] if stage.queued_at else [payload, request.wire()]
    return Delivery(
        task_id=message.id,
        request=request,
        route=Route(settings.chains[chain], settings.providers, tenants=settings.tenants),
        stop_reason=lambda: _stop_reason(message.id),
        step=stage.step,
        remaining=stage.remaining,
        current=stage.current,
        sent_at=stage.sent_at,
        queued_at=stage.queued_at,
        deadline_at=stage.deadline_at or _epoch(message.expires),
        max_crashes=settings.max_crashes,
        replay=stage.replay,
        fingerprint=identity.fingerprint(*forms),
        trace_context=trace_context(message),
    )


def _keep_dead_letter(task: CompletionTask, payload: Any, chain: Any, refused: TaskFailed) -> None:
    if is_chain_name(chain) and len(json.dumps(payload)) <= settings.results.max_request_bytes:
        store().run(dead_letters.keep(store(), task.request.id, chain, payload, refused))


def _stop_reason(task_id: str) -> StopReason | None:
    if task_id in state.revoked:
        return "revoked"
    if state.should_terminate is not None:
        return "terminating"
    if state.should_stop is not None:
        return "stopping"
    return "draining" if DRAINED else None


def _epoch(expires: datetime | str | None) -> float | None:
    if expires is None:
        return None
    return (datetime.fromisoformat(expires) if isinstance(expires, str) else expires).timestamp()
