"""How the providers do: availability from probes, response times from calls."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from config.providers import Provider
from worker import breaker
from worker.probe import Probe
from worker.probe import probe as ask
from worker.store import Store

RING = 100
_KEEP = 86_400


@dataclass(frozen=True, slots=True)
class Availability:
    """The last probes of a provider, at most 100; `share` is 0 to 1, None before the first."""

    probes: int
    share: float | None
    last: bool | None


def probe(store: Store, provider: Provider, interval: float) -> Probe | None:
    """Probes a provider, once per slot of `interval` seconds; returns None where another did.

    The outcome goes into the availability ring; an authenticated answer ends a block for authentication.

    Raises:
        StoreAway: the store did not answer.
    """
    now = store.run(("TIME",))[0][0]
    slot = store.probe_slot(provider.name, int(int(now) // interval))
    if not store.run(("SET", slot, 1, "NX", "EX", math.ceil(2 * interval)))[0]:
        return None
    found = ask(provider)
    ring = store.probes(provider.name)
    store.run(("LPUSH", ring, int(found.reachable)), ("LTRIM", ring, 0, RING - 1), ("EXPIRE", ring, _KEEP))
    if found.authenticated:
        breaker.control(store, provider.name, "unlock", by="probe")
    return found


def availability(store: Store, provider: str) -> Availability:
    """Returns the share of the last probes that reached a provider."""
    ring = [entry == "1" for entry in store.run(("LRANGE", store.probes(provider), 0, -1))[0]]
    return Availability(len(ring), sum(ring) / len(ring) if ring else None, ring[0] if ring else None)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Returns the nearest-rank percentile of sorted values, None of none; `share` is above 0, at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
