"""Counts the dead letters by chain and error, of which there may be 10,000, without reading them all at each scrape."""

from collections import Counter

from tasks.flower.metrics.counted import FAILURES
from worker.store.store import Store

MOST = 10_000
"""Dead letters that are counted, the newest; more are kept only where the configuration says so."""

AT_ONCE = 1_000
"""Dead letters that one round trip reads."""

_Letter = tuple[str, str]
"""A task, and the ms of its failure: of another failure it is another dead letter."""


class DeadLetters:
    """Remembers the chain and the error of each dead letter, which never change.

    While the newest one and the number stay the same, a count costs one round trip. The first count of 10,000 costs a
    dozen; later ones read those that are new.
    """

    def __init__(self) -> None:
        self._known: dict[_Letter, tuple[str, str]] = {}
        self._mark: object = None

    def count(self, store: Store, since_ms: int) -> Counter[tuple[str, str]]:
        """Returns how many failed since then (epoch in ms), by chain and error; earlier ones have expired.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        key = store.keys.dead_letters
        mark = store.run(("ZCOUNT", key, since_ms, "+inf"), ("ZRANGE", key, -1, -1, "WITHSCORES"))
        if mark != self._mark:
            self._read(store, since_ms)
            self._mark = mark
        return Counter(self._known.values())

    def _read(self, store: Store, since_ms: int) -> None:
        key = store.keys.dead_letters
        found = store.run(("ZRANGE", key, "+inf", since_ms, "BYSCORE", "REV", "LIMIT", 0, MOST, "WITHSCORES"))[0]
        letters = [(task, str(at)) for task, at in found]
        new = [letter for letter in letters if letter not in self._known]
        read: dict[_Letter, tuple[str, str]] = {}
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            values = store.run(*(("HMGET", store.keys.dead_letter(task), "chain", "error") for task, _ in some))
            read |= {letter: _named(*value) for letter, value in zip(some, values, strict=True)}
        self._known = {letter: self._known.get(letter) or read[letter] for letter in letters}


def _named(chain: str | None, error: str | None) -> tuple[str, str]:
    """Returns chain and error of a dead letter, both empty where it has expired meanwhile."""
    return (chain or "", error if error in FAILURES else "")
