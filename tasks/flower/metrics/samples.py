"""Samples of gauges, and the families that Prometheus takes of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from tasks.flower.metrics.gauges import GAUGES, Gauge

Sample = tuple[Gauge, tuple[str, ...], float]
"""A gauge, the values of its labels, and its value; a label whose value is empty is left out."""


def families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """Yields a family for each gauge, also for those without a sample."""
    found: dict[Gauge, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for gauge, values, value in samples:
        found[gauge].append((values, value))
    for gauge in GAUGES:
        family = GaugeMetricFamily(gauge.family, gauge.text, labels=gauge.labels)
        for values, value in found[gauge]:
            labels = {name: text for name, text in zip(gauge.labels, values, strict=True) if text}
            family.add_sample(gauge.family, labels, float(value))
        yield family
