"""The fleet's metrics at Flower's `/metrics`, read from Redis at each scrape."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.registry import Collector

from tasks.celery import settings
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.health.health import Health, health
from worker.task import parking, scheduling
from worker.telemetry.counters import counters

_STATUSES = ("healthy", "degraded", "unhealthy", "unknown")
_STATES = ("closed", "open", "half-open")


class Fleet(Collector):
    """Breakers, health, counters, parked and scheduled completions; during a Redis outage only `fallback_redis_up`."""

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now."""
        try:
            found, counted = health(store(), list(settings.providers)), counters(store())
            parked, scheduled = parking.count(store()), scheduling.count(store())
        except RedisUnavailable:
            yield GaugeMetricFamily("fallback_redis_up", "Whether the shared store answers.", 0)
            return
        yield GaugeMetricFamily("fallback_redis_up", "Whether the shared store answers.", 1)
        yield GaugeMetricFamily("fallback_parked", "Completions parked until a provider admits.", parked)
        yield GaugeMetricFamily("fallback_scheduled", "Completions that are due later.", scheduled)
        for name, value in counted.items():
            yield CounterMetricFamily(f"fallback_{name}", "See worker/telemetry/counters.py.", value)
        yield from _per_provider(found)


def _per_provider(found: Iterable[Health]) -> Iterator[Metric]:
    status = StateSetMetricFamily("fallback_provider_status", "Health of a provider.", labels=["provider"])
    state = StateSetMetricFamily("fallback_breaker_state", "State of a provider's breaker.", labels=["provider"])
    success = GaugeMetricFamily("fallback_success_ratio", "Share of the last 100 calls.", labels=["provider"])
    up = GaugeMetricFamily("fallback_availability_ratio", "Share of the last 100 probes.", labels=["provider"])
    for each in found:
        name = [each.breaker.provider]
        status.add_metric(name, {one: one == each.breaker.status for one in _STATUSES})
        state.add_metric(name, {one: one == each.breaker.state for one in _STATES})
        for gauge, share in ((success, each.success_rate), (up, each.availability)):
            if share is not None:
                gauge.add_metric(name, share)
    yield from (status, state, success, up)
