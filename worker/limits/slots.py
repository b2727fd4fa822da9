"""The slots that this process's calls hold: a heartbeat renews them, so that a killed worker's run out."""

import threading

from worker.store.store import Store


class Slots:
    """Slots by id, each with its provider. Many threads may call its methods."""

    def __init__(self) -> None:
        self._providers: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, slot_id: str, provider: str) -> None:
        """Adds the slot of a call that begins."""
        with self._lock:
            self._providers[slot_id] = provider

    def discard(self, slot_id: str) -> None:
        """Removes the slot of a call that has ended, if it had one."""
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
