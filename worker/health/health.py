"""Reports the providers' health: success and response times from calls, availability from probes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from config.providers import Provider
from worker.admission import breaker
from worker.admission.breaker import Snapshot
from worker.health import model_registry
from worker.health.probe import Probe
from worker.health.probe import probe as send_probe
from worker.health.recent_calls import calls
from worker.providers.credentials import fingerprint
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Response times in seconds of the successes among the last 100 calls; percentiles by nearest rank."""

    mean: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Health:
    """One provider's health.

    Attributes:
        breaker: status, consecutive counts and the last error.
        success_rate: 0 to 1, of the last 100 calls; None before the first.
        response: None before the first success.
        probes: how many probes `availability` covers, at most 100.
        availability: 0 to 1, of these probes; None before the first.
    """

    breaker: Snapshot
    success_rate: float | None
    response: ResponseTime | None
    probes: int
    availability: float | None


def health(store: Store, providers: Sequence[str]) -> list[Health]:
    """Returns each provider's health, in three round trips for all of them.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    windows = store.run(*(("GETRANGE", store.keys.window(p), 0, -1) for p in providers), raw=True)
    rings = store.run(*(("LRANGE", store.keys.probes(p), 0, -1) for p in providers))
    snapshots = breaker.snapshot(store, providers)
    return [_health(*stored) for stored in zip(snapshots, windows, rings, strict=True)]


def _health(snapshot: Snapshot, window: bytes, ring: Sequence[str]) -> Health:
    return Health(
        breaker=snapshot,
        success_rate=1 - snapshot.failed / snapshot.count if snapshot.count else None,
        response=_response(window),
        probes=len(ring),
        availability=ring.count("1") / len(ring) if ring else None,
    )


def _response(window: bytes) -> ResponseTime | None:
    times = sorted(call.seconds for call in calls(window) if call.succeeded)
    return ResponseTime(fmean(times), *(percentile(times, p) for p in (0.5, 0.95, 0.99))) if times else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """Returns the nearest-rank percentile of one or more sorted values; `share` is above 0, at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def probe(store: Store, provider: Provider, interval: float) -> Probe | None:
    """Probes a provider once per slot of `interval` seconds; returns None if another process has probed it.

    1. The result goes into the ring of the last probes.
    2. The provider's list of models goes into the registry.
    3. An authenticated answer clears an authentication lock.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    slot = store.keys.probe_slot(provider.name, int(store.time() // interval))
    if not store.run(("SET", slot, 1, "NX", "EX", math.ceil(2 * interval)))[0]:
        return None
    found = send_probe(provider)
    key = fingerprint(provider, store.keys.namespace)
    record = breaker.probed(store, provider.name, answered=found.reachable, authenticated=found.authenticated, key=key)
    store.run(record, *model_registry.update(store, provider.name, found.models))
    return found
