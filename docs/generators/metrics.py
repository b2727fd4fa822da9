"""The metrics of Flower's /metrics, from the code that creates them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from docs.generators import sources
from docs.generators.docstrings import source, table
from docs.generators.tables import Table, code, codes

_KINDS = {
    "GaugeMetricFamily": "gauge",
    "CounterMetricFamily": "counter",
    "StateSetMetricFamily": "state set: 1 for the state in force, 0 for the others",
}


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as Prometheus sees it, its kind, its labels and what it says."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def families() -> list[Family]:
    """Returns every metric once, in the order of the code.

    Raises:
        ValueError: a family is created in a way that this module cannot read.
    """
    found = [family for call, kind in _calls() for family in _created(call, kind)]
    return list({family.name: family for family in found}.values())


def metrics() -> Table:
    """Returns the table of metrics."""
    rows = [[f"`{each.name}`", each.kind, codes(each.labels), each.text] for each in families()]
    return Table(["metric", "kind", "labels", "meaning"], rows)


def _calls() -> list[tuple[ast.Call, str]]:
    calls = [node for node in ast.walk(ast.parse(source(sources.METRICS))) if isinstance(node, ast.Call)]
    named = [(call, _KINDS.get(ast.unparse(call.func))) for call in sorted(calls, key=lambda call: call.lineno)]
    return [(call, kind) for call, kind in named if kind]


def _created(call: ast.Call, kind: str) -> Iterator[Family]:
    name, text = call.args[:2]
    if isinstance(name, ast.JoinedStr):  # one for each counter
        prefix = ast.literal_eval(name.values[0])
        for counter, meaning in table(sources.COUNTERS).rows:
            yield Family(f"{prefix}{code(counter)}_total", kind, (), meaning)
    elif isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield Family(name.value, kind, _labels(call), ast.literal_eval(text))
    else:
        raise ValueError(f"{sources.METRICS}:{call.lineno}: the name is not a string")


def _labels(call: ast.Call) -> tuple[str, ...]:
    return next((tuple(ast.literal_eval(word.value)) for word in call.keywords if word.arg == "labels"), ())
