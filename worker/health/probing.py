"""Whether probes run at all: when the last one was, and how many are queued."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.store.store import KEEP, Store, epoch


@dataclass(frozen=True, slots=True)
class Probing:
    """The fleet's probes.

    Attributes:
        last: when the last one was recorded, an epoch in seconds by the clock of Redis; 0 without one in `KEEP`.
        queued: those that no worker has taken. They expire before the next ones, and stay until a worker drops them.
    """

    last: float = 0.0
    queued: int = 0


def probing(store: Store, providers: Sequence[str]) -> Probing:
    """Returns when one of the providers was probed last, in one round trip.

    Each probe lets its provider's ring of probes expire `KEEP` seconds later: no other key says when it was.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    rings = (("TTL", store.keys.probes(provider)) for provider in providers)
    time, queued, *left = store.run(("TIME",), ("LLEN", store.keys.probe_queue), *rings)
    longest = max(left, default=-1)
    return Probing(epoch(time) + longest - KEEP if longest > 0 else 0.0, queued)
