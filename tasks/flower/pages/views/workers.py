"""Page 6: the workers by name, those with something wrong first."""

from typing import Any

from config.settings import Settings
from worker.store.store import Store
from worker.telemetry.workers import Worker
from worker.telemetry.workers import workers as read

LISTED = 200


def workers(settings: Settings, store: Store) -> dict[str, Any]:
    """Returns counts of all workers, and what the first `LISTED` of them reported.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    del settings
    now, found = store.time(), read(store)
    alive = [each for each in found if each.alive]
    return {
        "number": len(found),
        "alive": len(alive),
        "consuming": sum(each.consuming for each in alive),
        "slots": sum(each.slots for each in alive),
        "used": sum(each.used for each in alive),
        "workers": [_row(each, now) for each in sorted(found, key=_rank)[:LISTED]],
    }


def _rank(worker: Worker) -> tuple[bool, str]:
    return not _is_wrong(worker), worker.name


def _is_wrong(worker: Worker) -> bool:
    stopped = not worker.consuming and worker.takes_completions
    return not worker.alive or stopped or worker.is_skewed


def _row(worker: Worker, now: float) -> dict[str, Any]:
    return {
        "name": worker.name,
        "version": worker.version,
        "wrong": _is_wrong(worker),
        "alive": worker.alive,
        "seen": max(0.0, now - worker.seen_at),
        "up": max(0.0, now - worker.started_at),
        "consuming": worker.consuming,
        "reason": worker.reason,
        "clock_offset": worker.clock_offset,
        "skewed": worker.is_skewed,
        "slots": worker.slots,
        "used": worker.used,
        "last_task": max(0.0, now - worker.last_task_at) if worker.last_task_at else None,
        "keys": {provider: key for provider, key in worker.keys.items() if key},
        "missing": worker.missing,
    }
