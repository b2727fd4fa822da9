"""How the providers do: success and response times from calls, availability from probes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from config.providers import Provider
from worker import breaker, registry
from worker.breaker import Snapshot
from worker.probe import Probe
from worker.probe import probe as ask
from worker.store import Store

_SUCCEEDED = 1
"""Flag of a success in the window of lua/breaker.lua."""


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Seconds that the successes among the last 100 calls took; percentiles by nearest rank."""

    mean: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Health:
    """How one provider does.

    `breaker` has the status, the counts in a row and the last error. `success_rate` is the share of the last 100
    calls, `availability` that of the last 100 `probes`; each is 0 to 1, None before the first. `response` is None
    before the first success.
    """

    breaker: Snapshot
    success_rate: float | None
    response: ResponseTime | None
    probes: int
    availability: float | None


def health(store: Store, providers: Sequence[str]) -> list[Health]:
    """Returns how each provider does, in three round trips for all of them.

    Raises:
        StoreAway: the store did not answer.
    """
    windows = store.run(*(("GETRANGE", store.window(p), 0, -1) for p in providers), raw=True)
    rings = store.run(*(("LRANGE", store.probes(p), 0, -1) for p in providers))
    snapshots = breaker.snapshot(store, providers)
    return [_health(*found) for found in zip(snapshots, windows, rings, strict=True)]


def _health(snapshot: Snapshot, window: bytes, ring: Sequence[str]) -> Health:
    return Health(
        breaker=snapshot,
        success_rate=1 - snapshot.failed / snapshot.count if snapshot.count else None,
        response=_response(window),
        probes=len(ring),
        availability=ring.count("1") / len(ring) if ring else None,
    )


def _response(window: bytes) -> ResponseTime | None:
    entries = (window[i : i + 4] for i in range(0, len(window), 4))
    times = sorted(int.from_bytes(entry[1:], "big") / 1000 for entry in entries if entry[0] == _SUCCEEDED)
    return ResponseTime(fmean(times), *(percentile(times, p) for p in (0.5, 0.95, 0.99))) if times else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """Returns the nearest-rank percentile of sorted values, at least one; `share` is above 0, at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def probe(store: Store, provider: Provider, interval: float) -> Probe | None:
    """Probes a provider, once per slot of `interval` seconds; returns None where another did.

    The outcome goes into the availability ring, the provider's list of models into the registry; an authenticated
    answer ends a block for authentication.

    Raises:
        StoreAway: the store did not answer.
    """
    now = store.run(("TIME",))[0][0]
    slot = store.probe_slot(provider.name, int(int(now) // interval))
    if not store.run(("SET", slot, 1, "NX", "EX", math.ceil(2 * interval)))[0]:
        return None
    found = ask(provider)
    told = breaker.probed(store, provider.name, answered=found.reachable, authenticated=found.authenticated)
    store.run(told, *registry.update(store, provider.name, found.models))
    return found
