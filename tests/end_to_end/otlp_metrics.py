"""What OTLP collectors receive of metrics, as OpenTelemetry's own protobuf package reads it."""

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Labels = frozenset[tuple[str, Any]]
Points = dict[tuple[str, str, Labels], tuple[float, float]]
"""By process, name and labels: of a counter its value twice, of a histogram count and sum. The latest export counts."""


def points(bodies: Iterable[bytes]) -> Points:
    """Returns the latest value of each series of each process; values are cumulative."""
    found: Points = {}
    for body in bodies:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            process = dict(_labels(resource.resource.attributes))["service.instance.id"]
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.histogram.data_points:
                    found[process, metric.name, _labels(point.attributes)] = point.count, point.sum
                for point in metric.sum.data_points:
                    value = point.as_double or point.as_int
                    found[process, metric.name, _labels(point.attributes)] = value, value
    return found


def totals(found: Points) -> dict[tuple[str, Labels], tuple[float, float]]:
    """Returns the sums over all processes, as a receiver makes them."""
    sums: dict[tuple[str, Labels], tuple[float, float]] = {}
    for (_, name, labels), (count, total) in found.items():
        before = sums.get((name, labels), (0.0, 0.0))
        sums[name, labels] = before[0] + count, before[1] + total
    return sums


def _labels(attributes: Any) -> Labels:
    return frozenset((each.key, getattr(each.value, each.value.WhichOneof("value"))) for each in attributes)
