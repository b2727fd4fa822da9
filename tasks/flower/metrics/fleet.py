"""The fleet's metrics at Flower's `/metrics`, read from Redis at each scrape, in some twenty round trips."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.settings import Settings
from tasks.flower.metrics import counted, gauges
from tasks.flower.metrics.providers import of_limits, of_providers
from tasks.flower.metrics.queues import Queues
from tasks.flower.metrics.samples import Sample, families
from worker.diagnosis.problems import problems
from worker.errors import RedisUnavailable
from worker.store.client import refuses_writes
from worker.store.memory import memory, refusal
from worker.store.store import Store, epoch
from worker.telemetry.counters import counters
from worker.telemetry.metrics import stored
from worker.telemetry.workers import workers


class Fleet(Collector):
    """What the fleet has counted, and how it stands; during a Redis outage only `fallback_redis_up`.

    Where Redis refuses writes, what only a script that writes can tell is missing: the shares of limits.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._queues = Queues()

    def describe(self) -> Iterator[Metric]:
        """Yields nothing: a registry would otherwise collect all to learn the names."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now."""
        try:
            found = list(self._collected())
        except RedisUnavailable:
            yield GaugeMetricFamily(gauges.REDIS_UP.family, gauges.REDIS_UP.text, 0)
            return
        yield from found

    def _collected(self) -> Iterator[Metric]:
        store = self._store
        metrics, reports, time = store.run(
            ("HGETALL", store.keys.metrics), ("HGETALL", store.keys.in_flight), ("TIME",)
        )
        now = epoch(time)
        samples: list[Sample] = [(gauges.REDIS_UP, (), 1), *_redis(store), *_workers(store)]
        samples += _problems(store, self._settings)
        samples += of_providers(store, self._settings, stored.in_flight(reports, now))
        samples += _unless_refused(of_limits(store, self._settings))
        samples += self._queues.samples(store, self._settings, now)
        yield from families(samples)
        yield from counted.families(self._settings, stored.parse(metrics))
        for name, value in counters(store).items():
            yield CounterMetricFamily(f"fallback_{name}", "See worker/telemetry/counters.py.", value)


def _redis(store: Store) -> Iterator[Sample]:
    found = memory(store)
    yield gauges.REDIS_MEMORY_BYTES, (), found.used
    yield gauges.REDIS_MEMORY_MAX_BYTES, (), found.most
    yield gauges.REDIS_REFUSES_WRITES, (), refusal(store) is not None


def _unless_refused(samples: Iterator[Sample]) -> Iterator[Sample]:
    try:
        yield from samples
    except RedisUnavailable as exc:
        if exc.__cause__ is None or not refuses_writes(exc.__cause__):
            raise


def _workers(store: Store) -> Iterator[Sample]:
    for worker in (each for each in workers(store) if each.takes_completions):
        name, alive = (worker.name,), worker.alive
        yield gauges.WORKER_CONSUMING, name, alive and worker.consuming
        yield gauges.WORKER_CLOCK_OFFSET_SECONDS, name, worker.clock_offset
        yield gauges.WORKER_SLOTS, name, worker.slots if alive else 0
        yield gauges.WORKER_SLOTS_USED, name, worker.used if alive else 0


def _problems(store: Store, settings: Settings) -> Iterator[Sample]:
    """Yields what is wrong; a tenant, whose name a caller chose, is not named."""
    named = {*settings.providers, *settings.chains, *(worker.name for worker in workers(store))}
    found = problems(settings, store)
    labels = {(each.kind, each.subject if each.subject in named else "", each.severity) for each in found}
    yield from ((gauges.PROBLEM, each, 1) for each in sorted(labels))
