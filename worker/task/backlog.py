"""What waits for an answer, and what has failed for good lately."""

from dataclasses import dataclass

from config.chains import RETRY_PRIORITY
from worker.store.store import Store

LATELY = 600.0
"""Seconds in which dead letters are recent."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Completions that wait; the oldest does since `since`, an epoch in seconds, 0 where that is not known.

    `oldest` is its id, where they are queued.
    """

    count: int
    since: float
    oldest: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits and what has failed.

    Attributes:
        now: the epoch in seconds by the clock of Redis.
        queued: by priority. A retry, of priority 0, counts from when it was first queued.
        parked: by the providers that they wait for, separated by commas, of all priorities together.
        failed: dead letters of the last `LATELY` seconds.
        failed_before: those of as long before that.
        failed_since: when the first of the last ones failed, 0 without one.
    """

    now: float
    queued: dict[int, Waiting]
    parked: dict[str, Waiting]
    failed: int
    failed_before: int
    failed_since: float

    @property
    def oldest_queued(self) -> Waiting:
        """Returns how many are queued for the first time, and since when the oldest waits."""
        first = [each for priority, each in self.queued.items() if priority != RETRY_PRIORITY and each.count]
        return Waiting(sum(each.count for each in first), min((each.since for each in first if each.since), default=0))


def backlog(store: Store) -> Backlog:
    """Returns what waits and what has failed lately, in one round trip.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    lists = store.keys.queues
    keys = [store.keys.dead_letters, store.keys.parked("groups"), *lists.values()]
    command = store.script("backlog", keys, store.keys.parked("group", ""), round(LATELY * 1000))
    now, (failed, before, first), groups, queued = store.run(command)[0]
    return Backlog(
        now / 1000,
        {priority: Waiting(count, ms / 1000, task) for priority, (count, ms, task) in zip(lists, queued, strict=True)},
        _by_providers(groups),
        failed,
        before,
        first / 1000,
    )


def _by_providers(groups: list[tuple[str, int, int]]) -> dict[str, Waiting]:
    found: dict[str, Waiting] = {}
    for name, count, ms in groups:
        providers = name.partition(":")[2]
        known = found.get(providers, Waiting(0, ms / 1000))
        found[providers] = Waiting(known.count + count, min(known.since, ms / 1000))
    return found
