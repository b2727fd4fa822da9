"""Counts the calls of each provider that this process has in flight, so that none takes all of its slots.

Nothing of it is in Redis: the slots are the process's own.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from worker.admission.breaker import Decision, Skipped

BULKHEAD = "bulkhead"
"""Why a provider is skipped that has its share of this process's slots."""

SOONEST = 0.25
"""Seconds that a completion waits at least for a place, without a slot."""

FORGET = 0.1
"""The weight of one call in the usual length of a provider's calls."""


class Bulkheads:
    """The calls in flight by provider, and the most that there may be. Without `limit` there is no limit."""

    def __init__(self) -> None:
        self._most, self._urgent = math.inf, 0
        self._held: Counter[str] = Counter()
        self._usual: dict[str, float] = {}
        self._turns: dict[tuple[str, bool], float] = {}
        self._lock = threading.Lock()

    def limit(self, most: float, urgent: int) -> None:
        """Sets how many calls a provider may have in flight, and how many more if these are of urgent completions."""
        self._most, self._urgent = most, urgent

    def held(self, provider: str) -> int:
        """Returns how many calls of a provider are in flight."""
        return self._held[provider]

    def in_flight(self) -> dict[str, int]:
        """Returns how many calls are in flight, by provider; without those that have none."""
        with self._lock:
            return {provider: held for provider, held in self._held.items() if held}

    def is_full(self, provider: str, *, urgent: bool) -> bool:
        """Returns whether a provider has all its places."""
        return self._held[provider] >= self._most + (self._urgent if urgent else 0)

    def with_room(self, providers: Sequence[str], *, urgent: bool) -> list[str]:
        """Returns those of the providers that have a place left, in order."""
        return [provider for provider in providers if not self.is_full(provider, urgent=urgent)]

    @contextmanager
    def place(self, provider: str, *, urgent: bool) -> Iterator[bool]:
        """Takes a place for one call; within the block it is held. The value is False if there was none."""
        with self._lock:
            has_place = not self.is_full(provider, urgent=urgent)
            self._held[provider] += has_place
        started = time.monotonic()
        try:
            yield has_place
        finally:
            if has_place:
                self._leave(provider, time.monotonic() - started)

    def turn(self, provider: str, *, urgent: bool) -> float:
        """Returns the seconds after which a completion is to ask again for a place.

        Those that wait come back one by one, as far apart as places usually become free.
        """
        with self._lock:
            now, key = time.monotonic(), (provider, urgent)
            apart = self._usual.get(provider, 0.0) / self._most
            self._turns[key] = max(now + SOONEST, self._turns.get(key, 0.0) + apart)
            return self._turns[key] - now

    def _leave(self, provider: str, lasted: float) -> None:
        with self._lock:
            self._held[provider] -= 1
            usual = self._usual.get(provider, lasted)
            self._usual[provider] = usual + FORGET * (lasted - usual)


BULKHEADS = Bulkheads()
"""Those of this process."""


def with_skipped(decision: Decision, remaining: Sequence[str], asked: Sequence[str]) -> Decision:
    """Returns a decision about `asked` as one about `remaining`: the others before the permit's provider were full."""
    if len(asked) == len(remaining) or decision.kind not in ("next", "none"):
        return decision
    before = remaining[: remaining.index(decision.permit.provider)] if decision.permit else remaining
    full = (Skipped(provider, BULKHEAD, None) for provider in before if provider not in asked)
    return replace(decision, skipped=(*decision.skipped, *full))
