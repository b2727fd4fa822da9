"""A completion's journal: a line per provider considered and per new round."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from worker.connection import Command
from worker.store import KEEP, Store

PASSED_OVER = "passed-over"
LOST = "lost"
"""An attempt whose worker died: it stands in the task's hash and in no line, so no position follows from it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider considered.

    `outcome` is an `Outcome`, or `lost`, or `passed-over`; then `reason` says why (`open`, `not configured: no API
    key`, ...) and `until` is the epoch at which it admits again, where known. `at` is the epoch of the attempt's start,
    `latency_ms` its length, `first_token_ms` the wait for the first token.
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A new round from the chain's head; `fresh` forgets the retries spent, as after an outage waited out."""

    fresh: bool


Line = Entry | Mark


def fields(line: Line) -> dict[str, Any]:
    """Returns a line's fields by name: `asdict` copies every value, for ten times the price."""
    return {name: getattr(line, name) for name in line.__slots__}


def dump(line: Line) -> str:
    """Returns a line as JSON."""
    return json.dumps(fields(line), separators=(",", ":"))


def load(text: str) -> Line:
    """Returns the line that `dump` wrote."""
    found = json.loads(text)
    return Mark(**found) if "fresh" in found else Entry(**found)


def append(store: Store, task_id: str, lines: Iterable[Line]) -> list[Command]:
    """Returns the commands that add lines to a task's journal."""
    texts = [dump(line) for line in lines]
    if not texts:
        return []
    key = store.journal(task_id)
    return [("RPUSH", key, *texts), ("EXPIRE", key, KEEP)]
