"""Binds a task's id to one request, by a fingerprint, so that the id cannot be used for another request."""

import json
import logging
import math
from hashlib import sha256
from typing import Any

from worker.errors import TaskIdReused
from worker.store.store import KEEP, Store
from worker.task import lease
from worker.task.lease import LeaseResult
from worker.task.outcome import stored_result

_log = logging.getLogger(__name__)


def fingerprint(*forms: Any) -> str:
    """Returns the fingerprint of a request: the SHA-256 of each form as canonical JSON, separated by spaces.

    Two requests are the same if they share one of these. The chain is not part of it.

    Args:
        forms: JSON values. First the request as in its message, so that workers of all versions compute the same. For
            a producer that writes requests differently, also the request as this project's producer would write it.
    """
    # `default`: Celery's JSON also has dates and bytes.
    texts = (json.dumps(form, sort_keys=True, separators=(",", ":"), default=repr) for form in forms)
    return " ".join(dict.fromkeys(sha256(text.encode()).hexdigest() for text in texts))


def claim(store: Store, task_id: str, request: str, delay: float = 0.0) -> bool:
    """Claims an id for the request with this fingerprint; returns False if it stands for another request.

    The claim is kept for the seconds until the request is due, `delay`, and `KEEP` more.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keep = math.ceil(delay) + KEEP
    return bool(store.run(store.script("claim", [store.keys.task(task_id)], request, keep))[0])


def found(store: Store, task_id: str, request: str = "") -> LeaseResult | None:
    """Returns what is stored for a task whose message is refused before it begins, None if nothing is.

    Args:
        store: the shared store.
        task_id: the task.
        request: the fingerprint of what the message has as its request; empty where it is not known.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = [store.keys.task(task_id), store.keys.events, store.keys.result(task_id)]
    reply = store.run(store.script("refuse", keys, request, task_id))[0]
    return None if reply == ["none"] else lease.parse_begin_reply(reply)


def outcome(begun: LeaseResult, task_id: str) -> dict[str, Any]:
    """Returns the stored result of a task that was found answered, or whose id stands for another request.

    Raises:
        TaskFailed: it failed for good.
        Revoked: its producer revoked it.
        TaskIdReused: the other request has no outcome yet.
    """
    if begun.kind == "other":
        _log.warning("task-id-reused task=%s", task_id)
        if not begun.answer:
            raise TaskIdReused(task_id)
    return stored_result(begun.answer, begun.duplicates)
