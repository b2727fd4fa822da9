"""What Redis says of its memory, and whether it takes writes."""

from dataclasses import dataclass

from redis.exceptions import OutOfMemoryError, ResponseError

from worker.errors import RedisUnavailable
from worker.store.client import refuses_writes
from worker.store.store import Store

NEARLY = 0.9
"""The share of its memory from which on Redis is nearly full."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that are used, and the most that may be, 0 for no limit; both are 0 where this user may not ask."""

    used: int
    most: int

    @property
    def share(self) -> float:
        """Returns the share that is used, 0 without a limit."""
        return self.used / self.most if self.most else 0.0

    def __str__(self) -> str:
        """Returns `98.2 of 100.0 MB used`; empty if nothing is known."""
        if not self.used:
            return ""
        return f"{_mb(self.used)} of {_mb(self.most)} MB used" if self.most else f"{_mb(self.used)} MB used"


def memory(store: Store) -> Memory:
    """Returns how full Redis is.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    try:
        found = store.run(("INFO", "memory"))[0]
        return Memory(int(found["used_memory"]), int(found["maxmemory"]))
    except (ResponseError, KeyError):
        return Memory(0, 0)


def refusal(store: Store) -> Exception | None:
    """Returns why Redis refuses writes, None if it takes them. It asks with a write that changes nothing.

    Raises:
        RedisUnavailable: the store did not answer at all.
    """
    try:
        store.run(("ZADD", store.keys.dead_letters, "XX", 0, ""))
    except ResponseError:  # this user may not ask so
        return None
    except RedisUnavailable as exc:
        if isinstance(exc.__cause__, Exception) and refuses_writes(exc.__cause__):
            return exc.__cause__
        raise
    return None


def is_full(cause: BaseException | None) -> bool:
    """Returns whether a refusal is for want of memory."""
    return isinstance(cause, OutOfMemoryError)


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
