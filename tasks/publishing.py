"""Queues a completion: the producer's side of the task `fallback.complete`."""

from typing import Any

from celery import Task
from kombu.exceptions import OperationalError
from redis.exceptions import NoPermissionError, ResponseError

from tasks.celery import settings
from tasks.completion_result import CompletionResult
from tasks.headers import HEADER, HIDDEN, first_headers, our_headers
from tasks.request_check import bind_arguments, check_request, to_json
from tasks.schedule import schedule
from tasks.store import store
from worker.errors import InvalidRequest, RedisFull, RedisUnavailable, TaskFailed
from worker.request.field_errors import printable
from worker.request.version import version
from worker.store.client import is_full, refused_by
from worker.store.memory import memory
from worker.task import identity
from worker.telemetry.traces import tracing


class CompletionTask(Task):
    """A task that checks its request before it is queued."""

    Request = "tasks.node.redaction:Redacted"
    resultrepr_maxsize = 0
    max_retries = None  # the chain counts; a limit of Celery's would print the arguments
    throws = (TaskFailed,)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Runs the task. Celery's own raises TypeError if a by-name producer sends an argument `self`."""
        return self.run(*args, **kwargs)

    def AsyncResult(self, task_id: str, **options: Any) -> CompletionResult:  # noqa: N802 - Celery's name
        """Returns the result of a task."""
        return CompletionResult(task_id, backend=self.backend, task_name=self.name, app=self.app, **options)

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Queues a completion; sets only what the message lacks, because a retry passes through here again.

        With `countdown` or `eta` the time to answer begins when the completion is due; see `schedule`.

        Raises:
            InvalidRequest: nothing was queued; the message names each field and the reason, `countdown` and `eta` too,
                or the `task_id` that was used for another request.
            UnknownChain: nothing was queued.
            RedisFull: nothing was queued; the message says how much memory is used, and what to raise.
        """
        headers = dict(options.pop("headers", None) or {})
        ours = our_headers(headers)
        when = schedule(options.pop("countdown", None), options.pop("eta", None))
        if "version" not in ours:
            payload, chain = bind_arguments(*(args or ()), **(kwargs or {}))
            wire = to_json(settings, check_request(settings, payload, chain))
            args, kwargs = (wire,), {"chain": chain}
            if options.get("task_id") and "replay" not in ours:
                _claim_id(options["task_id"], wire, when.delay)
            timeout = wire.get("timeout") or settings.chains[chain].timeout
            headers[HEADER] = {**ours, **first_headers(when.due, timeout, version(wire))}
            if tracing.inject(headers) and when.delay:
                headers[HEADER]["sent_at"] = when.now
            options.setdefault("priority", settings.chains[chain].priority)
        options |= {"eta": when.eta, "argsrepr": HIDDEN, "kwargsrepr": HIDDEN}
        try:
            return super().apply_async(args, kwargs, headers=headers, **options)
        except (OperationalError, ResponseError) as exc:
            if is_full(refused_by(exc)):
                raise _full_error() from exc
            raise


def _full_error() -> RedisFull:
    try:
        used = str(memory(store()))
    except RedisUnavailable:
        used = ""
    return RedisFull(f"Redis is full{f' ({used})' if used else ''}: nothing was queued; raise its maxmemory")


def _claim_id(task_id: str, wire: dict[str, Any], delay: float) -> None:
    """Reserves the id for the request, which is due in `delay` seconds.

    The worker checks again, so a producer that cannot check may go on.

    Raises:
        InvalidRequest: another request has the id.
    """
    try:
        free = identity.claim(store(), task_id, identity.fingerprint(wire), delay)
    except (RedisUnavailable, NoPermissionError):  # during an outage, publishing fails anyway
        return
    if not free:
        raise InvalidRequest(f"task_id: {printable(task_id)} was used for another request; each needs an id of its own")
