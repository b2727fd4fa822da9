"""What is known of one task, for an operator; never asked on the way of a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from worker.journal import Entry, load
from worker.lease import lost_attempts
from worker.store import Store
from worker.story import considered

State = Literal["unknown", "in hand", "lost", "waiting", "due", "answered", "failed"]


@dataclass(frozen=True, slots=True)
class History:
    """A task as it stands, without prompt and answer.

    `unknown` is also one that no worker has begun; `lost` one whose worker died, until its message is delivered
    again; `waiting` until a provider admits; `due` at the time `due` (epoch in seconds). `asking` is the attempt under
    way (one, or none), `entries` the providers considered, `before` those that led to a failure which was replayed
    since; `story` is a result's `fallback`, `failure` the class and the message of an error, `wasted` as in a result.
    """

    state: State
    due: float
    asking: tuple[Entry, ...]
    before: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    story: dict[str, Any]
    failure: tuple[str, ...]
    wasted: tuple[dict[str, Any], ...]


def history(store: Store, task_id: str) -> History:
    """Returns what is known of a task.

    Raises:
        StoreAway: the store did not answer.
    """
    (seconds, _), known, texts, waits = store.run(
        ("TIME",),
        ("HGETALL", store.task(task_id)),
        ("LRANGE", store.journal(task_id), 0, -1),
        ("HEXISTS", store.waiting(), task_id),
    )
    lines, replayed = [load(text) for text in texts], int(known.get("from", 0))
    answer = json.loads(known.get("answer", "{}"))
    return History(
        state="waiting" if waits and not answer else _state(known, answer, seconds),
        due=_instant(known, "due"),
        asking=lost_attempts(known.get("asked", "")),
        before=tuple(considered(lines[:replayed], ())),
        entries=tuple(considered(lines[replayed:], lost_attempts(known.get("lost", "")))),
        story=answer.get("result", {}).get("fallback", {}),
        failure=tuple(answer.get("failure", ())),
        wasted=tuple(map(json.loads, known.get("wasted", "").splitlines())),
    )


def _state(known: Mapping[str, str], answer: Mapping[str, Any], now: float) -> State:
    if answer:
        return "failed" if "failure" in answer else "answered"
    if "holder" in known:
        return "in hand" if _instant(known, "until") > now else "lost"
    return "due" if "due" in known else "unknown"


def _instant(known: Mapping[str, str], field: str) -> float:
    return int(known.get(field, 0)) / 1000
