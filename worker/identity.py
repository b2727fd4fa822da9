"""What a task's id stands for: one request, by its fingerprint, whoever comes with the id again."""

import json
import logging
from hashlib import sha256
from typing import Any

from worker import lease
from worker.errors import TaskIdReused
from worker.lease import Begun
from worker.store import KEEP, Store

_log = logging.getLogger(__name__)


def fingerprint(*forms: Any) -> str:
    """Returns what tells a request from every other one: the SHA-256 of each of its forms as canonical JSON.

    Two requests are the same where they share one. The chain is none of it.

    Args:
        forms: JSON values; first the request as its message has it, for a worker of another version, or a Celery
            that queued it again, must come to the same. Of a producer that does not write as we do, then also the
            request as ours would.
    """
    # Celery's JSON has dates and bytes, too.
    texts = (json.dumps(form, sort_keys=True, separators=(",", ":"), default=repr) for form in forms)
    return " ".join(dict.fromkeys(sha256(text.encode()).hexdigest() for text in texts))


def claim(store: Store, task_id: str, request: str) -> bool:
    """Claims an id for the request with that fingerprint, and says whether it does not stand for another one.

    Raises:
        StoreAway: the store did not answer.
    """
    return bool(store.run(store.script("claim", [store.task(task_id)], request, KEEP))[0])


def found(store: Store, task_id: str, request: str = "") -> Begun | None:
    """Returns what stands for a task whose message is refused before it begins, None where nothing does.

    Args:
        store: the shared store.
        task_id: the task.
        request: the fingerprint of what came in the request's place; empty where nobody can tell.

    Raises:
        StoreAway: the store did not answer.
    """
    reply = store.run(store.script("refuse", [store.task(task_id), store.events], request, task_id))[0]
    return None if reply == ["none"] else lease.begun(reply)


def outcome(begun: Begun, task_id: str) -> dict[str, Any]:
    """Returns the result that stands for a task which was found answered, or in use for another request.

    Raises:
        TaskFailed: it failed for good.
        Revoked: its producer took it back.
        TaskIdReused: the other request has no outcome yet.
    """
    if begun.kind == "other":
        _log.warning("task-id-reused task=%s", task_id)
        if not begun.answer:
            raise TaskIdReused(task_id)
    return lease.standing(begun.answer, begun.wasted)
