"""Who else lives on the fleet's Redis database, by the names of keys."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from redis.exceptions import ResponseError

from tasks.celery import COMPLETIONS, PROBES
from worker.store import Store

WITHIN = 1.0
"""Seconds for each of the two scans. A scan looks at every key of the database, also at those of others."""

_COUNT = 1000
"""Keys that Redis looks at in one command, in which it does nothing else.

With a million keys that took Redis 8.2 0.8 ms on average, beside other work on two cores.
"""

_BINDING = "_kombu.binding."
_FLEET = re.compile(r"\{([^{}]*)\}:breaker:")
_BETWEEN = "\x06\x16"
"""Stands between the routing key, the pattern and the queue of a binding of kombu's."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What was found besides this fleet.

    `queues` are other Celery applications', by name; `fleets` are the namespaces of other fleets. `whole` is False
    where there was no time to look at every key.
    """

    queues: tuple[str, ...]
    fleets: tuple[str, ...]
    whole: bool


def neighbours(store: Store, namespace: str, *, within: float = WITHIN) -> Neighbours | None:
    """Returns who else is there, or None where this user may not ask.

    Bindings outlive their application, as kombu leaves them in place. A fleet is found by its breakers, which live
    for a day after its last call or probe.

    Args:
        store: the fleet's.
        namespace: the fleet's.
        within: seconds for each scan; the first look of each is always taken.

    Raises:
        StoreAway: the store did not answer.
    """
    bindings, fleets = _Scan(store, f"{_BINDING}*", "set", within), _Scan(store, "{*}:breaker:*", "hash", within)
    try:
        queues = {queue for key in bindings for queue in _bound(store, key)}
        namespaces = {found[1] for found in map(_FLEET.match, fleets) if found}
    except ResponseError:
        return None
    others = tuple(sorted(queues - {COMPLETIONS, PROBES}))
    return Neighbours(others, tuple(sorted(namespaces - {namespace})), bindings.whole and fleets.whole)


class _Scan:
    """The keys of a pattern and a type, as far as there is time; `whole` says afterwards whether that was enough."""

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
    """Returns the queues that a key binds, without those of Celery's own broadcasts and events."""
    if key.endswith(".pidbox"):
        return
    for member in store.run(("SMEMBERS", key), raw=True)[0]:
        queue = _text(member).rpartition(_BETWEEN)[2]
        if not queue.startswith("celeryev."):
            yield queue
