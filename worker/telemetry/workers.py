"""The workers by name, as each reports itself every few seconds: whether it consumes, its clock, its slots, its keys.

A worker that stops removes its report. One that is killed leaves it, which then shows when it was last seen.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from config.providers import DISABLED, Provider
from worker.store.store import Store, epoch

ALIVE = 15.0
"""Seconds after its last report for which a worker counts as alive; it reports every 3 s."""

KEPT = 3600
"""Seconds that the report of a killed worker is kept."""

SKEWED = 1.0
"""Seconds by which a clock may differ from that of Redis before the worker counts as skewed."""

NO_COMPLETIONS = "takes no completions (-Q)"
"""The reason of a worker that was started for other queues, such as that of the probes."""

DRAINED = "drained"
"""The reason of a worker that `fallback drain` has taken out of service."""

CANCELLED = "told not to (cancel_consumer)"
"""The reason of a worker that Celery's remote control has told not to consume."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process. Instants are epochs in seconds by the clock of Redis, which `clock_offset` is measured by.

    Attributes:
        name: Celery's, such as `celery@host`.
        version: of this package.
        started_at: when it started.
        seen_at: when it last reported.
        consuming: whether it takes completions from the queue.
        reason: why it does not, empty while it does.
        clock_offset: seconds by which its clock is ahead of Redis; negative if it is behind.
        slots: completions that it works on at the same time.
        used: those that it works on now.
        last_task_at: when it last took one, to within a few seconds; 0 for never.
        keys: provider -> the fingerprint of its key, see worker/providers/credentials.py; empty where there is none.
        missing: provider -> why it is not configured on that worker.
        receivers: receiver of alerts -> the variable that is not set on that worker, empty if it can send; nothing
            where the worker takes no probes, and so sends no alerts.
        alive: whether it reported within `ALIVE`.
    """

    name: str
    version: str
    started_at: float
    seen_at: float
    consuming: bool
    reason: str
    clock_offset: float
    slots: int
    used: int
    last_task_at: float
    keys: dict[str, str]
    missing: dict[str, str]
    receivers: dict[str, str] = field(default_factory=dict)
    alive: bool = True

    @property
    def takes_completions(self) -> bool:
        """Returns whether it is meant to consume completions."""
        return self.reason != NO_COMPLETIONS

    @property
    def is_skewed(self) -> bool:
        """Returns whether its clock is too far from that of Redis."""
        return abs(self.clock_offset) > SKEWED


_NAMES = frozenset(each.name for each in fields(Worker)) - {"seen_at", "alive"}
_REQUIRED = _NAMES - {"receivers"}


def report(store: Store, worker: Worker) -> None:
    """Writes what a worker reports of itself; `seen_at` is set by the clock of Redis.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    known = {name: value for name, value in asdict(worker).items() if name in _NAMES} | {"skewed": worker.is_skewed}
    _write(store, worker.name, json.dumps(known, separators=(",", ":")))


def remove(store: Store, name: str) -> None:
    """Removes the report of a worker that stops.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    _write(store, name, "")


def workers(store: Store) -> list[Worker]:
    """Returns the workers by name: those that are alive, and those that were killed within the last hour.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    time, found = store.run(("TIME",), ("HGETALL", store.keys.workers))
    reports = [json.loads(text) for _, text in sorted(found.items())]
    # A worker of another release may report more; who reports less cannot be shown.
    return [_worker(each, epoch(time)) for each in reports if each.keys() >= _REQUIRED]


def working(reported: Iterable[Worker]) -> tuple[Worker, ...]:
    """Returns the workers that are alive and for completions, whether they take any or not."""
    return tuple(worker for worker in reported if worker.alive and worker.takes_completions)


def missing(provider: Provider, reported: Iterable[Worker]) -> str | None:
    """Returns why no worker can ask a provider, None if one can; without workers it is what this process knows."""
    able = working(reported)
    if not able or provider.missing == DISABLED:
        return provider.missing
    lacking = [worker.missing.get(provider.name) for worker in able]
    return lacking[0] if all(lacking) else None


def _worker(stored: dict[str, Any], now: float) -> Worker:
    seen_at = stored["seen_ms"] / 1000
    known = {name: stored[name] for name in _NAMES & stored.keys()}
    return Worker(**known, seen_at=seen_at, alive=now - seen_at <= ALIVE)


def _write(store: Store, name: str, text: str) -> None:
    store.run(store.script("report_worker", [store.keys.workers, store.keys.events], name, text, KEPT))
