"""The fleet's figures at Flower's `/metrics`, read from the shared store whenever Prometheus asks."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.registry import Collector

from tasks.celery import settings
from tasks.completion import store
from worker.errors import StoreAway
from worker.health import Health, health
from worker.metrics import counters
from worker.waiting import count

_STATUSES = ("healthy", "degraded", "unhealthy", "unknown")
_STATES = ("closed", "open", "half-open")


class Fleet(Collector):
    """Breakers, health, counters and who waits in the whole fleet; while the store is away only that it is."""

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now."""
        try:
            found, counted, waiting = health(store(), list(settings.providers)), counters(store()), count(store())
        except StoreAway:
            yield GaugeMetricFamily("fallback_store_up", "Whether the shared store answers.", 0)
            return
        yield GaugeMetricFamily("fallback_store_up", "Whether the shared store answers.", 1)
        yield GaugeMetricFamily("fallback_waiting", "Completions that wait until a provider admits.", waiting)
        for name, value in counted.items():
            yield CounterMetricFamily(f"fallback_{name}", "See worker/metrics.py.", value)
        yield from _of(found)


def _of(found: Iterable[Health]) -> Iterator[Metric]:
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
