"""What Redis does when its memory is full or when it ends, as INFO tells; CONFIG is often refused."""

from dataclasses import dataclass

from redis.exceptions import ResponseError

from worker.store import Store


@dataclass(frozen=True, slots=True)
class Durability:
    """`max_memory` is in bytes, 0 for no limit; `appends` says whether there is an append-only file."""

    max_memory: int
    policy: str
    appends: bool


def durability(store: Store) -> Durability | None:
    """Returns what INFO says, or None where this user may not ask or the server leaves it out.

    Raises:
        StoreAway: the store did not answer.
    """
    try:
        memory, persistence = store.run(("INFO", "memory"), ("INFO", "persistence"))
        return Durability(memory["maxmemory"], memory["maxmemory_policy"], bool(persistence["aof_enabled"]))
    except (ResponseError, KeyError):
        return None
