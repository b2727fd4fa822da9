"""Other users of the fleet's Redis database, found by the names of their keys."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from redis.exceptions import ResponseError

from tasks.celery import COMPLETIONS, PROBES
from worker.store.store import Store

WITHIN = 1.0
"""Seconds for each of the two scans. A scan reads every key of the database, also those of others."""

_COUNT = 1000
"""Keys that Redis reads in one command. It serves no other command meanwhile.

With a million keys Redis 8.2 took 0.8 ms on average, on two cores that also had other work.
"""

_BINDING = "_kombu.binding."
_FLEET = re.compile(r"\{([^{}]*)\}:(?:\d+:)?breaker:")
_SEPARATOR = "\x06\x16"
"""kombu's separator of the routing key, the pattern and the queue of a binding."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other users of the database.

    `queues` are the names of other Celery applications' queues; `fleets` are the namespaces of other fleets. `whole` is
    False if there was no time to read every key.
    """

    queues: tuple[str, ...]
    fleets: tuple[str, ...]
    whole: bool


def neighbours(store: Store, namespace: str, *, within: float = WITHIN) -> Neighbours | None:
    """Returns the other users, or None if this user may not SCAN.

    Bindings outlive their application, because kombu leaves them in place. A fleet is found by its breakers, which
    expire a day after its last call or probe.

    Args:
        store: the fleet's.
        namespace: the fleet's.
        within: seconds for each scan; the first command of each always runs.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    bindings, fleets = _Scan(store, f"{_BINDING}*", "set", within), _Scan(store, "{*}:*breaker:*", "hash", within)
    try:
        queues = {queue for key in bindings for queue in _bound(store, key)}
        namespaces = {found[1] for found in map(_FLEET.match, fleets) if found}
    except ResponseError:
        return None
    others = tuple(sorted(queues - {COMPLETIONS, PROBES}))
    return Neighbours(others, tuple(sorted(namespaces - {namespace})), bindings.whole and fleets.whole)


class _Scan:
    """The keys of a pattern and a type, as far as time allows; afterwards `whole` is whether all were read."""

    def __init__(self, store: Store, pattern: str, kind: str, within: float) -> None:
        self._store = store
        self._matching = ("MATCH", pattern, "COUNT", _COUNT, "TYPE", kind)
        self._within = within
        self.whole = False

    def __iter__(self) -> Iterator[str]:
        deadline = time.monotonic() + self._within
        cursor, keys = self._ask("0")
        yield from keys
        while cursor != "0" and time.monotonic() < deadline:
            cursor, keys = self._ask(cursor)
            yield from keys
        self.whole = cursor == "0"

    def _ask(self, cursor: str) -> tuple[str, list[str]]:
        then, keys = self._store.run(("SCAN", cursor, *self._matching), raw=True)[0]
        return then.decode(), [_text(key) for key in keys]


def _text(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


def _bound(store: Store, key: str) -> Iterator[str]:
    """Yields the queues that a key binds, without those of Celery's own broadcasts and events."""
    if key.endswith(".pidbox"):
        return
    for member in store.run(("SMEMBERS", key), raw=True)[0]:
        queue = _text(member).rpartition(_SEPARATOR)[2]
        if not queue.startswith("celeryev."):
            yield queue
