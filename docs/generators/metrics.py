"""The metrics of Flower's /metrics, from the tables that declare them."""

from collections.abc import Iterator
from dataclasses import dataclass

from docs.generators import sources
from docs.generators.docstrings import table
from docs.generators.tables import Table, code, codes
from tasks.flower.metrics.gauges import GAUGES
from worker.telemetry.metrics.instruments import INSTRUMENTS, PREFIX, Instrument


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as Prometheus sees it, its kind, its labels and what it says."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def families() -> list[Family]:
    """Returns every metric once: what is counted, how the fleet stands, and the fleet's counters."""
    gauges = [Family(each.family, "gauge", each.labels, each.text) for each in GAUGES]
    return [*map(_counted, INSTRUMENTS), *gauges, *_counters()]


def metrics() -> Table:
    """Returns the table of metrics."""
    rows = [[f"`{each.name}`", each.kind, codes(each.labels), each.text] for each in families()]
    return Table(["metric", "kind", "labels", "meaning"], rows)


def _counted(each: Instrument) -> Family:
    if each.kind == "counter":
        return Family(f"{each.family}_total", "counter", each.labels, each.text)
    first, *_, last = each.bounds
    return Family(each.family, f"histogram, {first:g} to {last:g} s", each.labels, each.text)


def _counters() -> Iterator[Family]:
    for counter, meaning in table(sources.COUNTERS).rows:
        yield Family(f"{PREFIX}{code(counter)}_total", "counter", (), meaning)
