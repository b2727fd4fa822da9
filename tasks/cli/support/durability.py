"""What Redis does when its memory is full and when it restarts. Reads INFO, because CONFIG is often refused."""

from dataclasses import dataclass

from redis.exceptions import ResponseError

from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Durability:
    """`max_memory` is in bytes, 0 for no limit; `appends` is whether there is an append-only file."""

    max_memory: int
    policy: str
    appends: bool


def durability(store: Store) -> Durability | None:
    """Returns the settings that INFO shows; None if this user may not ask, or the server leaves them out.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    try:
        memory, persistence = store.run(("INFO", "memory"), ("INFO", "persistence"))
        return Durability(memory["maxmemory"], memory["maxmemory_policy"], bool(persistence["aof_enabled"]))
    except (ResponseError, KeyError):
        return None
