"""The gauges of completions that wait: queued, parked, scheduled, and those that failed for good."""

from collections.abc import Iterator
from itertools import product

from config.settings import Settings
from tasks.flower.dead_letters import DeadLetters
from tasks.flower.metrics import gauges
from tasks.flower.metrics.counted import FAILURES
from tasks.flower.metrics.samples import Sample
from worker.store.store import Store
from worker.task import parking, scheduling
from worker.task.backlog import Waiting, backlog


class Queues:
    """Reads what waits; it remembers what need not be read again."""

    def __init__(self) -> None:
        self._letters = DeadLetters()
        self._next: dict[str, tuple[str, float]] = {}

    def samples(self, store: Store, settings: Settings, now: float) -> Iterator[Sample]:
        """Yields what waits at `now`, an epoch in seconds.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        for number, each in backlog(store).queued.items():
            priority = str(number)
            yield gauges.QUEUE_DEPTH, (priority,), each.count
            yield gauges.QUEUE_OLDEST_SECONDS, (priority,), max(0.0, now - self._since(priority, each, now))
        chains = [name for name, each in settings.chains.items() if each.enabled]
        for chain, parked in parking.by_chain(store, chains).items():
            yield gauges.PARKED, (chain,), parked.number
            yield gauges.PARKED_OLDEST_SECONDS, (chain,), max(0.0, now - parked.oldest) if parked.number else 0
        yield gauges.SCHEDULED, (), scheduling.count(store)
        since_ms = round(1000 * (now - store.expires))
        letters = dict.fromkeys(product(chains, FAILURES), 0) | self._letters.count(store, since_ms)
        yield from ((gauges.DEAD_LETTERS, pair, number) for pair, number in sorted(letters.items()))

    def _since(self, priority: str, each: Waiting, now: float) -> float:
        """Returns when the next message was queued; of one without a stamp, when it was first seen to be next."""
        task, seen = self._next.get(priority, ("", now))
        if task != each.oldest:
            seen = now
        self._next[priority] = each.oldest, seen
        return each.since or (seen if each.oldest else now)
