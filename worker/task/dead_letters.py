"""Dead letters: completions that failed for good, kept with what a replay needs.

The newest `results.max_dead_letters` are kept, each for `results.expires`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from worker.errors import TaskFailed
from worker.store.connection import Command
from worker.store.store import KEEP, Store
from worker.task.journal import SKIPPED, Entry, dump, load


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One failure: when (epoch in ms), on which chain, the class of its error, its message, and who was asked."""

    task_id: str
    at_ms: int
    chain: str
    error: str
    message: str
    attempts: tuple[Entry, ...] = ()


def keep(
    store: Store, task_id: str, chain: str, request: Any, failed: TaskFailed, considered: Iterable[Entry] = ()
) -> Command:
    """Returns the command that keeps a failure; send it before the command that ends its task.

    Args:
        store: the shared store.
        task_id: the task.
        chain: the chain's name, as in the message.
        request: JSON values, as in the message.
        failed: the failure.
        considered: the providers considered; kept are those that were asked.
    """
    attempts = "\n".join(dump(entry) for entry in considered if entry.outcome != SKIPPED)
    keys = [store.keys.task(task_id), store.keys.dead_letters, store.keys.dead_letter(task_id)]
    failure = (type(failed).__name__, str(failed), json.dumps(request))
    return store.script("dead_letter", keys, task_id, chain, *failure, store.expires, store.max_dead_letters, attempts)


def replay(store: Store, task_id: str, at_ms: int, fingerprint: str = "") -> Command:
    """Returns the command that forgets the failure of `at_ms`; send it before the command that begins its task.

    With the fingerprint of the request (see worker/task/identity.py) it does nothing if the id now stands for another
    request.
    """
    keys = [
        store.keys.task(task_id),
        store.keys.journal(task_id),
        store.keys.dead_letters,
        store.keys.dead_letter(task_id),
    ]
    return store.script("replay", keys, task_id, at_ms, KEEP, fingerprint)


def newest(store: Store, limit: int | None = None, seconds: float | None = None) -> list[DeadLetter]:
    """Returns dead letters, newest first: all, or at most `limit`, or those of the last `seconds`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    since = "-inf" if seconds is None else round(1000 * (store.time() - seconds))
    ids = store.run(
        ("ZRANGE", store.keys.dead_letters, "+inf", since, "BYSCORE", "REV", "LIMIT", 0, -1 if limit is None else limit)
    )[0]
    return [letter for letter in _read(store, ids) if letter]


def find(store: Store, task_id: str) -> DeadLetter | None:
    """Returns a task's dead letter, None if it has none or was answered since.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    answer = store.run(("HGET", store.keys.task(task_id), "answer"))[0]
    return None if answer and "failure" not in json.loads(answer) else _read(store, [task_id])[0]


def request(store: Store, letter: DeadLetter) -> Any:
    """Returns the request of a dead letter as JSON values, None if it has expired or was replayed.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    text = store.run(("HGET", store.keys.dead_letter(letter.task_id), "request"))[0]
    return None if text is None else json.loads(text)


def _read(store: Store, ids: list[str]) -> list[DeadLetter | None]:
    if not ids:
        return []
    fields = ("at", "chain", "error", "message", "attempts")
    found = store.run(*(("HMGET", store.keys.dead_letter(i), *fields) for i in ids))
    return [_letter(task_id, *values) for task_id, values in zip(ids, found, strict=True)]


def _letter(
    task_id: str, at: str | None, chain: str, error: str, message: str, attempts: str | None
) -> DeadLetter | None:
    if not at:
        return None
    entries = [load(line) for line in (attempts or "").splitlines()]
    asked = tuple(entry for entry in entries if isinstance(entry, Entry))
    return DeadLetter(task_id, int(at), chain, error, message, asked)
