"""The last 100 calls of each provider, one by one: for who looks at them, no decision reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.store.store import Store

_SUCCEEDED = 1
_ENTRY = 4
"""Flag of a success in the ring, and bytes of an entry: see lua/admission/breaker.lua."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: whether it succeeded, and the seconds that it took."""

    succeeded: bool
    seconds: float


def recent_calls(store: Store, providers: Sequence[str]) -> list[tuple[Call, ...]]:
    """Returns each provider's last 100 calls, the oldest first, in one round trip.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    indexes = [("HGET", store.keys.breaker(p), "index") for p in providers]
    rings = [("GETRANGE", store.keys.window(p), 0, -1) for p in providers]
    found = store.run(*indexes, *rings, raw=True)
    pairs = zip(found[: len(providers)], found[len(providers) :], strict=True)
    return [tuple(calls(ring, int(index or 0) * _ENTRY)) for index, ring in pairs]


def calls(ring: bytes, oldest: int = 0) -> Iterator[Call]:
    """Yields the calls of a ring whose oldest entry begins at `oldest`; one that is not full ends there."""
    ordered = ring[oldest:] + ring[:oldest]
    for i in range(0, len(ordered), _ENTRY):
        yield Call(ordered[i] == _SUCCEEDED, int.from_bytes(ordered[i + 1 : i + _ENTRY], "big") / 1000)
