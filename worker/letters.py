"""What failed for good, kept with what a replay needs: the newest `Store.max_failed`, each as long as a result."""

import json
from dataclasses import dataclass
from typing import Any

from worker.connection import Command
from worker.errors import TaskFailed
from worker.store import KEEP, Store


@dataclass(frozen=True, slots=True)
class Letter:
    """One failure for good: when (epoch in ms), on which chain, the class of its error, and the story it tells."""

    task_id: str
    at_ms: int
    chain: str
    error: str
    message: str


def keep(store: Store, task_id: str, chain: str, request: Any, failed: TaskFailed) -> Command:
    """Returns the command that keeps a failure, to be sent ahead of the one that ends its task.

    Args:
        store: the shared store.
        task_id: the task.
        chain: the chain's name, as the message has it.
        request: JSON values, as the message has them.
        failed: why it failed.
    """
    keys = [store.task(task_id), store.failed, store.letter(task_id)]
    said = (type(failed).__name__, str(failed), json.dumps(request))
    return store.script("letter", keys, task_id, chain, *said, store.expires, store.max_failed)


def replay(store: Store, task_id: str, at_ms: int, fingerprint: str = "") -> Command:
    """Returns the command that forgets a failure once, to be sent ahead of the one that begins its task.

    With a fingerprint of its request (see worker/identity.py) it leaves another one alone that took the id since.
    """
    keys = [store.task(task_id), store.journal(task_id), store.failed, store.letter(task_id)]
    return store.script("replay", keys, task_id, at_ms, KEEP, fingerprint)


def newest(store: Store, limit: int | None = None, seconds: float | None = None) -> list[Letter]:
    """Returns the letters, the newest first: of all, or at most `limit`, or those of the last `seconds`.

    Raises:
        StoreAway: the store did not answer.
    """
    now, _ = store.run(("TIME",))[0]
    since = "-inf" if seconds is None else round(1000 * (now - seconds))
    ids = store.run(
        ("ZRANGE", store.failed, "+inf", since, "BYSCORE", "REV", "LIMIT", 0, -1 if limit is None else limit)
    )[0]
    return [letter for letter in _letters(store, ids) if letter]


def find(store: Store, task_id: str) -> Letter | None:
    """Returns a task's letter, None where it has none or was answered since.

    Raises:
        StoreAway: the store did not answer.
    """
    answer = store.run(("HGET", store.task(task_id), "answer"))[0]
    return None if answer and "result" in json.loads(answer) else _letters(store, [task_id])[0]


def request(store: Store, letter: Letter) -> Any:
    """Returns the request of a letter, as JSON values; None where it is gone.

    Raises:
        StoreAway: the store did not answer.
    """
    text = store.run(("HGET", store.letter(letter.task_id), "request"))[0]
    return None if text is None else json.loads(text)


def _letters(store: Store, ids: list[str]) -> list[Letter | None]:
    if not ids:
        return []
    found = store.run(*(("HMGET", store.letter(i), "at", "chain", "error", "message") for i in ids))
    return [Letter(i, int(at), *said) if at else None for i, (at, *said) in zip(ids, found, strict=True)]
