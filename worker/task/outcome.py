"""What a task ended with: its form in the task's hash, and that of Celery's result backend, for the producer."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from worker import errors
from worker.errors import ResultForgotten, Revoked, TaskFailed
from worker.store.store import Store

Outcome = dict[str, Any] | TaskFailed | Revoked
"""A result, a failure, or that the producer revoked the task."""

_SUCCESS = '{"success":true}'


def dump(outcome: Outcome) -> str:
    """Returns an outcome as the task's hash keeps it, for as long as the id stands for it; see lua/task/outcome.lua."""
    if isinstance(outcome, dict):
        return _SUCCESS
    return json.dumps({"failure": [type(outcome).__name__, str(outcome)]}, separators=(",", ":"))


def celery_result(task_id: str, outcome: Outcome) -> str | bytes:
    """Returns an outcome as Celery's Redis backend stores and publishes it: a producer of Celery 5.2 or later reads it.

    Links that the task starts are not in it; see tasks/node/result_backend.py.
    """
    if isinstance(outcome, dict):
        status, result = "SUCCESS", outcome
    elif isinstance(outcome, Revoked):
        status, result = "REVOKED", _exception("TaskRevokedError", "revoked", "celery.exceptions")
    else:
        status, result = "FAILURE", _exception(type(outcome).__name__, str(outcome), errors.__name__)
    meta: dict[str, Any] = {
        "status": status,
        "result": result,
        "traceback": None,
        "children": [],
        "date_done": datetime.now(UTC).isoformat(),
        "task_id": task_id,
    }
    try:
        return to_json(meta)  # a third of the time
    except PydanticSerializationError:
        return json.dumps(meta, separators=(",", ":"))  # a single surrogate, which UTF-8 cannot write


def stored_result(text: str, duplicates: str = "") -> dict[str, Any]:
    """Returns the result in an outcome's text, with its duplicate answers in its report.

    Args:
        text: as `outcome_text` of lua/task/outcome.lua returns it.
        duplicates: a line of JSON for each.

    Raises:
        TaskFailed: it failed for good; the class is that of the stored failure.
        ResultForgotten: it was a success, whose result is not there any more.
        Revoked: the producer revoked it.
    """
    body: dict[str, Any] = json.loads(text)
    if "failure" in body:
        name, message = body["failure"]
        raise getattr(errors, name)(message)
    if "result" not in body or body.get("status", "SUCCESS") != "SUCCESS":
        raise ResultForgotten(
            "task_id: it was answered before, and its result was forgotten; each needs an id of its own"
        )
    result: dict[str, Any] = body["result"]
    if duplicates:
        result["fallback"]["duplicates"] = [json.loads(line) for line in duplicates.splitlines()]
    return result


def forget(store: Store, task_id: str) -> bool:
    """Deletes the text of a task's outcome, and its dead letter with the request; returns False if it has no outcome.

    That it had one is remembered, so that its message, delivered once more, asks nobody.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    keys = store.keys
    answer, result = store.run(("HGET", keys.task(task_id), "answer"), ("DEL", keys.result(task_id)))
    if not (answer or result):
        return False
    store.run(("DEL", keys.dead_letter(task_id)), ("ZREM", keys.dead_letters, task_id))
    if answer and "result" in json.loads(answer):  # of a worker of the commit before
        store.run(("HSET", keys.task(task_id), "answer", _SUCCESS))
    return True


def is_revoked(text: str) -> bool:
    """Returns whether an outcome's text says that the producer revoked the task."""
    return Revoked.__name__ in json.loads(text).get("failure", ())[:1]


def _exception(name: str, message: str, module: str) -> dict[str, Any]:
    return {"exc_type": name, "exc_message": [message], "exc_module": module}
