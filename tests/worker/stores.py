"""Ways to a server of the test's own, and what each says."""

from tests.worker.clocked_breaker import provider
from worker.errors import StoreAway
from worker.store import Store

PROVIDERS = {"alpha": provider("alpha")}


def store_at(place: str) -> Store:
    return Store(place, "fallback", PROVIDERS)


def answers(store: Store) -> bool:
    """Says whether the store answers, for a test that waits until it does."""
    try:
        return bool(store.run(("PING",)))
    except StoreAway:
        return False
