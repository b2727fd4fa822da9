"""Ways to a server of the test's own, and what each says."""

from tests.worker.admission.clocked_breaker import provider
from worker.errors import RedisUnavailable
from worker.store.store import Store
from worker.task import journal
from worker.task.journal import Entry

PROVIDERS = {"alpha": provider("alpha")}


def store_at(place: str) -> Store:
    return Store(place, "fallback", PROVIDERS)


def answers(store: Store) -> bool:
    """Says whether the store answers, for a test that waits until it does."""
    try:
        return bool(store.run(("PING",)))
    except RedisUnavailable:
        return False


def line(store):
    """Returns the commands that write one line of a journal."""
    return journal.append(store, "task", [Entry("alpha", "transient", 1.0)])
