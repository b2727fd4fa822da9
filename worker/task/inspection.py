"""Reads all that Redis has about one task, for an operator. No request waits for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from worker.store.store import Store, epoch
from worker.task.about import About, parse
from worker.task.journal import Entry, Line, considered, entries, load
from worker.task.lease import crashed_attempts

State = Literal["unknown", "scheduled", "in progress", "worker died", "parked", "due", "answered", "failed"]


@dataclass(frozen=True, slots=True)
class History:
    """A task's current state, without prompt and answer.

    | state | meaning |
    |---|---|
    | `unknown` | nothing is stored: no worker has begun it, or its keys have expired |
    | `scheduled` | its first message is due at `due` |
    | `in progress` | a worker holds it |
    | `worker died` | its worker died, and its message was not delivered again yet |
    | `parked` | it waits until a provider admits |
    | `due` | a message continues it at `due` |
    | `answered`, `failed` | it has ended |

    Attributes:
        state: as above.
        due: epoch in seconds, 0 for none.
        asking: the current attempt, one or none.
        before: the providers considered before the last replay.
        lines: the journal since, in order.
        crashed: the attempts that crashed with their workers since.
        report: `fallback` of the result, empty if there is none or it was forgotten.
        failure: class and message of the error.
        duplicates: the duplicate answers, as in a result.
        about: what its message says.
        now: epoch in seconds, of this reading.
        first: epoch in seconds of the first delivery, 0 for none.
        paused: epoch in seconds at which it was last released without an outcome, 0 for never.
        ended: epoch in seconds, 0 while it has not ended.
    """

    state: State
    due: float
    asking: tuple[Entry, ...]
    before: tuple[Entry, ...]
    lines: tuple[Line, ...]
    crashed: tuple[Entry, ...]
    report: dict[str, Any]
    failure: tuple[str, ...]
    duplicates: tuple[dict[str, Any], ...]
    about: About
    now: float
    first: float
    paused: float
    ended: float

    @property
    def entries(self) -> list[Entry]:
        """Returns the providers considered since the last replay, ordered by time."""
        return considered(self.lines, self.crashed)

    @property
    def deadline(self) -> float:
        """Returns the deadline, an epoch in seconds, 0 if it is not known."""
        return self.about.deadline(self.first)

    @property
    def chain(self) -> str:
        """Returns the chain's name, empty if it is not known."""
        return self.about.chain or str(self.report.get("chain", ""))


def history(store: Store, task_id: str) -> History:
    """Returns what is known of a task.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    time, known, result, texts, parked = store.run(
        ("TIME",),
        ("HGETALL", store.keys.task(task_id)),
        ("GET", store.keys.result(task_id)),
        ("LRANGE", store.keys.journal(task_id), 0, -1),
        ("HEXISTS", store.keys.parked(), task_id),
    )
    now, answer = epoch(time), json.loads(known.get("answer", "{}"))
    lines, replayed = [load(text) for text in texts], int(known.get("from", 0))
    return History(
        state="parked" if parked and not answer else _state(known, answer, now),
        due=_instant(known, "due"),
        asking=crashed_attempts(known.get("asked", "")),
        before=tuple(entries(lines[:replayed])),
        lines=tuple(lines[replayed:]),
        crashed=crashed_attempts(known.get("crashed", "")),
        report=_report(answer, result),
        failure=tuple(answer.get("failure", ())),
        duplicates=tuple(map(json.loads, known.get("duplicates", "").splitlines())),
        about=parse(known.get("about", "")),
        now=now,
        first=_instant(known, "first"),
        paused=_instant(known, "paused"),
        ended=_instant(known, "ended"),
    )


def _report(answer: Mapping[str, Any], result: str | None) -> dict[str, Any]:
    if not answer or "failure" in answer:
        return {}
    found = answer if "result" in answer else json.loads(result or "{}")
    report: dict[str, Any] = found.get("result", {}).get("fallback", {})
    return report


def _state(known: Mapping[str, str], answer: Mapping[str, Any], now: float) -> State:
    if answer:
        return "failed" if "failure" in answer else "answered"
    if "holder" in known:
        return "in progress" if _instant(known, "until") > now else "worker died"
    if "due" in known:
        return "due" if "first" in known else "scheduled"
    return "unknown"


def _instant(known: Mapping[str, str], field: str) -> float:
    """Returns the ms that a field ends with as an epoch in seconds; a word may stand before them."""
    return int(known.get(field, "").rpartition(" ")[2] or 0) / 1000
