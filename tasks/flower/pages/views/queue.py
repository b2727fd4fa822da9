"""Page 3: the queue by priority, parked completions by chain and by what they wait for, what is scheduled."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.chains import RETRY_PRIORITY
from config.settings import Settings
from tasks.flower.pages.hour import HOUR, MINUTE, Growth, LastHour
from worker.admission.breaker import admissions
from worker.store.store import Store
from worker.task import parking, scheduling
from worker.task.backlog import Waiting, backlog


def queue(settings: Settings, store: Store, hour: LastHour = HOUR) -> dict[str, Any]:
    """Returns `queue` by priority, `chains` by name, `parked` by what they wait for, and how many are `scheduled`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found, lately = backlog(store), hour.growth(store, 2 * MINUTE)
    return {
        "queue": [_priority(settings, priority, each, found.now) for priority, each in found.queued.items()],
        "queue_total": sum(each.count for each in found.queued.values()),
        "chains": list(_chains(settings, store, lately, found.now)),
        "parked": list(_parked(settings, store, found.parked, found.now)),
        "parked_total": parking.count(store),
        "scheduled": scheduling.count(store),
    }


def _priority(settings: Settings, priority: int, each: Waiting, now: float) -> dict[str, Any]:
    names = [name for name, chain in settings.chains.items() if chain.enabled and chain.priority == priority]
    return {
        "priority": priority,
        "chains": names,
        "retries": priority == RETRY_PRIORITY,
        "number": each.count,
        "oldest": _age(each, now),
    }


def _chains(settings: Settings, store: Store, lately: Growth, now: float) -> Iterator[dict[str, Any]]:
    names = [name for name, chain in settings.chains.items() if chain.enabled]
    for name, each in parking.by_chain(store, names).items():
        rate = lately.hourly("ended", name)
        yield {
            "chain": name,
            "priority": settings.chains[name].priority,
            "parked": each.number,
            "oldest": max(0.0, now - each.oldest) if each.number else None,
            "ended_a_minute": None if rate is None else rate / 60,
        }


def _parked(settings: Settings, store: Store, groups: Mapping[str, Waiting], now: float) -> Iterator[dict[str, Any]]:
    """Yields the parked completions by the providers that they wait for, and when the first of these admits."""
    by_group = {group: group.split(",") for group in groups}
    known = sorted({name for names in by_group.values() for name in names} & set(settings.providers))
    admitting = admissions(store, known) if known else {}
    for group, names in by_group.items():
        times = [left for name in names if (left := admitting.get(name)) is not None]
        oldest, number = _age(groups[group], now), groups[group].count
        yield {"providers": names, "number": number, "oldest": oldest, "admits_in": min(times, default=None)}


def _age(each: Waiting, now: float) -> float | None:
    return max(0.0, now - each.since) if each.count and each.since else None
