"""The task `fallback.complete`: a thin shell around `worker.chain`."""

import json
import time
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

from celery import Task
from celery.exceptions import Ignore, Reject
from celery.worker import state
from redis.exceptions import NoPermissionError

from config.chains import RETRY_PRIORITY
from tasks import message
from tasks.celery import UNACKED, UNACKED_INDEX, app, settings
from worker import identity, letters
from worker.call import Call, Completion, Halted, Later
from worker.chain import complete as walk
from worker.errors import InvalidRequest, Revoked, StoreAway, TaskFailed, TaskIdReused
from worker.field_errors import printable
from worker.result import VERSION
from worker.route import Route
from worker.store import Store
from worker.waiting import InHand, park

PASS_ON = 1.0
"""Seconds until a message that only a newer worker reads is offered again."""

LONGEST = 86_400.0
"""Seconds that a completion may take."""

_ARGUMENTS = ("request", "chain")
_NEWER = (
    f"is later than {VERSION}, which is all that this worker reads, and no other took it in time; upgrade the workers"
)


@cache
def store() -> Store:
    """Returns this process's way to the shared store."""
    url, kept = settings.redis_url, settings.results
    return Store(url, settings.namespace, settings.providers, expires=kept.expires, max_failed=kept.max_failed)


class CompletionTask(Task):
    """A task whose request is checked before it is queued."""

    Request = "tasks.redaction:Redacted"
    resultrepr_maxsize = 0
    max_retries = None  # the chain counts; a limit of Celery's would print the arguments
    throws = (TaskFailed,)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Runs the task; Celery's own would fail with a TypeError for a by-name producer's argument `self`."""
        return self.run(*args, **kwargs)

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Queues a completion; sets only what the message lacks, for a retry passes through here again.

        Raises:
            InvalidRequest: nothing was queued; the message names each field and the reason, or the `task_id` that was
                used for another request.
            UnknownChain: nothing was queued.
        """
        headers = dict(options.pop("headers", None) or {})
        carried = message.carried(headers)
        if "version" not in carried:
            payload, chain = _bound(*(args or ()), **(kwargs or {}))
            wire = message.wire(settings, message.checked(settings, payload, chain))
            args, kwargs = (wire,), {"chain": chain}
            if options.get("task_id") and "replay" not in carried:
                _claim(options["task_id"], wire)
            stamp = message.stamp(wire.get("timeout") or settings.chains[chain].timeout)
            headers[message.HEADER] = {**carried, **stamp}
            options.setdefault("priority", settings.chains[chain].priority)
        options |= {"argsrepr": message.HIDDEN, "kwargsrepr": message.HIDDEN}
        return super().apply_async(args, kwargs, headers=headers, **options)


def _claim(task_id: str, wire: dict[str, Any]) -> None:
    """Takes the id for the request, or finds it taken; a worker asks again, so who cannot ask here may go on."""
    try:
        free = identity.claim(store(), task_id, identity.fingerprint(wire))
    except (StoreAway, NoPermissionError):  # the first ends in an error all the same: of publishing
        return
    if not free:
        raise InvalidRequest(f"task_id: {printable(task_id)} was used for another request; each needs an id of its own")


def _bound(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    given = dict(zip(_ARGUMENTS, args, strict=False))
    wrong = next((name for name in kwargs if name in given or name not in _ARGUMENTS), None)
    if wrong is not None or len(args) > len(_ARGUMENTS):
        fault = "given twice" if wrong in given else "unknown"
        what = f"{len(args)} arguments" if wrong is None else f"{printable(wrong)}: {fault}"
        raise InvalidRequest(f"{what}; a completion takes request and chain")
    given |= kwargs
    return given.get("request"), given.get("chain", "default")


@app.task(name="fallback.complete", base=CompletionTask, bind=True, typing=False)
def complete(self: CompletionTask, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Returns the completion of a request by the first provider of a chain that answers.

    Args:
        self: the task.
        args: `request`, an OpenAI-shaped request, and `chain`, the chain's name.
        kwargs: the same by name; without `chain` it is `default`.

    Raises:
        TaskFailed: with one line that says what each provider said.
    """
    if message.is_newer(self.request.headers):
        raise _pass_on(self)
    outcome = _outcome(self, args, kwargs)
    if isinstance(outcome, Later):
        raise _parked(self, outcome) or _go_on(self, outcome)
    return outcome.result


def _outcome(task: CompletionTask, args: Any, kwargs: Any) -> Completion | Later:
    try:
        outcome = _walked(task, args, kwargs)
    except Revoked:
        task.backend.mark_as_revoked(task.request.id, reason="revoked", request=task.request)
        raise Ignore from None
    except TaskIdReused:  # nothing is stored: Celery keeps one result for both
        raise Ignore("its id stands for another request") from None
    if isinstance(outcome, Completion) and "wasted" in outcome.result["fallback"]:
        task.backend.forget(task.request.id)  # or Celery keeps the success that it has, without this news
    return outcome


def _walked(task: CompletionTask, args: Any, kwargs: Any) -> Completion | Later:
    payload, chain = [args, kwargs], None
    try:
        payload, chain = _bound(*args, **kwargs)
        call = _call(task, payload, chain)
    except TaskFailed as refused:
        with suppress(StoreAway):
            if stands := identity.found(store(), task.request.id, identity.fingerprint(payload)):
                return Completion(identity.outcome(stands, task.request.id))
            _keep(task, payload, chain, refused)
        raise
    return walk(store(), call)


def _call(task: CompletionTask, payload: Any, chain: Any) -> Call:
    request, stage = task.request, message.stage(task.request.headers)
    checked = message.checked(settings, payload, chain)
    if not message.carried(request.headers):  # its producer knew no bound
        message.wire(settings, checked)
    forms = [payload] if stage.queued_at else [payload, checked.wire()]
    return Call(
        task_id=request.id,
        request=checked,
        route=Route(settings.chains[chain], settings.providers),
        halted=lambda: _halted(request.id),
        step=stage.step,
        rest=stage.rest,
        queued_at=stage.queued_at,
        deadline_at=stage.deadline_at or _epoch(request.expires),
        max_redeliveries=settings.max_redeliveries,
        replay=stage.replay,
        fingerprint=identity.fingerprint(*forms),
    )


def _keep(task: CompletionTask, payload: Any, chain: Any, refused: TaskFailed) -> None:
    if message.is_name(chain) and len(json.dumps(payload)) <= settings.results.max_request_bytes:
        store().run(letters.keep(store(), task.request.id, chain, payload, refused))


def _parked(task: CompletionTask, later: Later) -> Exception | None:
    """Returns what lets go of a message that waits now, None for one that is to be queued anew."""
    if later.waiting is None:
        return None
    tag = task.request.properties["delivery_tag"]
    try:
        parked = park(store(), task.request.id, later.waiting, InHand(UNACKED, UNACKED_INDEX, tag))
    except StoreAway:
        return None
    return Ignore("waits until a provider admits") if parked else None


def _go_on(task: CompletionTask, later: Later) -> Exception:
    headers = dict(task.request.headers or {})
    ours = {"version": VERSION, **message.carried(headers), "step": later.step}
    headers[message.HEADER] = ours if later.rest is None else {**ours, "rest": list(later.rest)}
    return _retry(task, later.delay, headers)


def _pass_on(task: CompletionTask) -> Exception:
    """Returns what gives a message of a later version back, for a worker that reads it; until its deadline."""
    carried = message.carried(task.request.headers)
    deadline = carried.get("deadline_at")
    if not isinstance(deadline, int | float) or not 0 < deadline - time.time() <= LONGEST:
        return InvalidRequest(f"headers.{message.HEADER}.version: {_NEWER}")
    return _retry(task, PASS_ON, task.request.headers)


def _retry(task: CompletionTask, delay: float, headers: dict[str, Any]) -> Exception:
    try:
        retry: Exception = task.retry(countdown=delay, headers=headers, priority=RETRY_PRIORITY, throw=False)
    except Reject as exc:
        # Celery would drop a message whose retry could not be queued.
        return Reject(exc.reason, requeue=True)
    return retry


def _halted(task_id: str) -> Halted | None:
    if task_id in state.revoked:
        return "revoked"
    return "stopping" if state.should_stop is not None or state.should_terminate is not None else None


def _epoch(expires: datetime | str | None) -> float | None:
    if expires is None:
        return None
    return (datetime.fromisoformat(expires) if isinstance(expires, str) else expires).timestamp()
