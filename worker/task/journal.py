"""A completion's journal: a line per provider considered, and one per new round."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from config.outcomes import Outcome
from worker.request.version import FIRST_VERSION
from worker.store.connection import Command
from worker.store.store import KEEP, Store

SKIPPED = "skipped"
CRASHED = "worker-died"
"""Outcome of an attempt whose worker died. It is in the task's hash, not in the journal: no position depends on it."""

_SINCE_3 = (Outcome.SHARE_SPENT, Outcome.EMPTY, Outcome.NONCONFORMING)


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider considered.

    Attributes:
        provider: its name.
        outcome: an `Outcome`, `worker-died` or `skipped`.
        at: epoch in seconds, of the attempt's start.
        model: the model's name at the provider.
        reason: why it failed, or was skipped (`open`, `not configured: no API key`, ...).
        status: the HTTP status.
        latency_ms: the length of the attempt.
        first_token_ms: the time to first token.
        until: epoch in seconds at which a skipped provider may admit again.
        scope: `host` if a request that was too large exceeds a limit of the host's own, whatever its models' windows.
        tokens: prompt, completion, cached, cache_write, reasoning, as `Usage` has them; None if none were told.
        cost_usd: the price of these tokens; None if it is unknown, or nothing was told.
        billed: `unknown` if the provider may have charged more than `cost_usd`.
        score: why it was chosen of its group: `cost_usd`, `seconds`, `success` and `usd`, as `Score` has them.
    """

    provider: str
    outcome: str
    at: float
    model: str | None = None
    reason: str | None = None
    status: int | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    until: float | None = None
    scope: Literal["host"] | None = None
    tokens: dict[str, int] | None = None
    cost_usd: float | None = None
    billed: Literal["unknown"] | None = None
    score: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class RoundStart:
    """A new round from the start of the chain; a `fresh` one gives every provider its retries again."""

    fresh: bool


Line = Entry | RoundStart


def fields(line: Line) -> dict[str, Any]:
    """Returns a line's fields by name, `scope`, `billed` and `score` only where it has them.

    `dataclasses.asdict` copies every value, which takes ten times as long.
    """
    found = {name: getattr(line, name) for name in line.__slots__}
    for name in ("scope", "billed", "score"):
        if not found.get(name, True):
            del found[name]
    return found


def dump(line: Line) -> str:
    """Returns a line as JSON, without the fields that it lacks."""
    found = {name: value for name, value in fields(line).items() if value is not None}
    return json.dumps(found, separators=(",", ":"))


def load(text: str) -> Line:
    """Returns the line that `dump` wrote; fields that only a newer worker knows are left out."""
    found = json.loads(text)
    kind = RoundStart if "fresh" in found else Entry
    return kind(**{name: found[name] for name in kind.__slots__ if name in found})


def version(lines: Iterable[Line]) -> int:
    """Returns the lowest version of the workers that can read these lines."""
    new = any(e.scope or e.outcome in _SINCE_3 for e in entries(lines))
    return 3 if new else FIRST_VERSION


def append(store: Store, task_id: str, lines: Iterable[Line]) -> list[Command]:
    """Returns the commands that add lines to a task's journal."""
    texts = [dump(line) for line in lines]
    if not texts:
        return []
    key = store.keys.journal(task_id)
    return [("RPUSH", key, *texts), ("EXPIRE", key, KEEP)]


def entries(lines: Iterable[Line]) -> list[Entry]:
    """Returns the providers considered, in order."""
    return [line for line in lines if isinstance(line, Entry)]


def considered(lines: Iterable[Line], crashed: Sequence[Entry]) -> list[Entry]:
    """Returns the providers considered and the attempts that crashed with their workers, ordered by time."""
    return sorted((*crashed, *entries(lines)), key=lambda entry: entry.at) if crashed else entries(lines)


def is_new(lines: Iterable[Line], entry: Entry) -> bool:
    """Returns whether a skipped provider has no line with this reason yet since it was last asked."""
    last = next((e for e in reversed(entries(lines)) if e.provider == entry.provider), None)
    return last is None or (last.outcome, last.reason) != (entry.outcome, entry.reason)
