"""The slots that this process's calls hold: a heartbeat renews them, so that a killed worker's run out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.store.store import Store


class Slots:
    """Slots by id, each with its provider. Many threads may call its methods."""

    def __init__(self) -> None:
        self._providers: dict[str, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def renewed(self, slot_id: str, provider: str) -> Iterator[None]:
        """Has a call's slot renewed within the block; `slot_id` is empty for a call without one."""
        if slot_id:
            with self._lock:
                self._providers[slot_id] = provider
        try:
            yield
        finally:
            with self._lock:
                self._providers.pop(slot_id, None)

    def renew(self, store: Store) -> None:
        """Renews every slot, in one round trip; none without slots.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        with self._lock:
            held = list(self._providers.items())
        if held:
            keys = [store.keys.breaker(provider) for _, provider in held]
            store.run(store.script("renew_slots", keys, *(slot_id for slot_id, _ in held)))


SLOTS = Slots()
