"""What one receiver is to get, as Redis keeps it: its cursor in the stream of alerts, and the lease of who sends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from worker.store.connection import Command
from worker.store.store import Store
from worker.telemetry.events import Event

LEASE = 10.0
"""Seconds after which another process sends in the place of one that died."""

BATCH = 100
"""Alerts that are read at once."""

_KEEP = 30 * 86_400
"""Seconds that a receiver's cursor is kept after the last look."""


@dataclass(frozen=True, slots=True)
class Received:
    """Fields of the receiver's hash, and the entries after its cursor, with their ids."""

    fields: dict[str, str]
    entries: list[tuple[str, Event]]


class Inbox:
    """One process's side of a receiver's cursor and lease."""

    def __init__(self, store: Store, receiver: str) -> None:
        self._store = store
        self._hash, self._lease = store.keys.alerts_of(receiver), store.keys.alerts_sender(receiver)
        self._me = uuid4().hex

    def receive(self) -> Received | None:
        """Takes or renews the lease, and returns what comes next; None while another process has the lease.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        keys = [self._store.keys.alerts, self._hash, self._lease]
        reply = self._store.run(self._store.script("receive", keys, self._me, round(LEASE * 1000), BATCH, _KEEP))[0]
        if not reply:
            return None
        flat, entries = reply
        return Received(_pairs(flat), [(id_, _pairs(fields)) for id_, fields in entries])

    def write(self, removed: Iterable[str] = (), written: Mapping[str, str] | None = None) -> bool:
        """Renews the lease and changes the receiver's fields; returns False where the lease is lost.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        flat = [word for pair in (written or {}).items() for word in pair]
        return bool(self._store.run(self._script(round(LEASE * 1000), "\n".join(removed), *flat))[0])

    def leave(self) -> None:
        """Ends the lease, so that another process may send at once.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        self._store.run(self._script(0, ""))

    def _script(self, lease_ms: int, *args: str) -> Command:
        return self._store.script("delivered", [self._hash, self._lease], self._me, lease_ms, *args)


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
