"""The figures that the specification of the breaker gives, from simulations with a prototype, and ours beside them."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.parts.detectors.alarms import FAILURE_RULES, LATENCY_RULES
from bench.parts.detectors.scenarios import Delays, FalseAlarms
from bench.parts.detectors.tables import DelaysByRule, FalseByRule, change, percent, rate, table, waited

Waits = tuple[float, ...]
"""Calls until an alarm: the median, and where it is given the 95th percentile."""

_NEVER = (math.inf,)

FALSE_ALARMS: dict[float, tuple[float, ...]] = {0.01: (0.2, 0, 0), 0.05: (0.8, 0, 0), 0.15: (5.7, 0.7, 0)}
"""Share of calls that always fail -> false alarms per 10,000 calls, of each rule."""

CHANGES: dict[tuple[float, float], tuple[Waits, ...]] = {
    (0.01, 0.3): ((11, 24), _NEVER, _NEVER),
    (0.01, 0.6): ((5, 10), (21, 85), (83,)),
    (0.05, 0.4): ((11, 20), (129,), _NEVER),
    (0.15, 0.5): ((12, 23), (39,), (100,)),
    (0.01, 1.0): ((3, 4), (5,), (50,)),
}
"""Shares before and after a change -> calls until the alarm, of each rule."""

PROTOTYPE_LEARNED = 500
"""Calls before a change with which the prototype's figures come out again; the specification gives no number."""


def failures(
    failing: Mapping[float, FalseByRule],
    failing_again: Mapping[float, FalseByRule],
    changes: Mapping[tuple[float, float], DelaysByRule],
    changes_again: Mapping[tuple[float, float], DelaysByRule],
) -> Table:
    """Returns the specification's table beside ours, the detector's also `again` in the prototype's terms."""
    lines = []
    for i, rule in enumerate(FAILURE_RULES):
        for share, rates in FALSE_ALARMS.items():
            line = [f"{rule}, false at {percent(share)}", f"{rates[i]:g}"]
            for found in (failing, failing_again)[: 1 if i else 2]:
                line += [rate(found[share][rule]), _rate_apart(rates[i], found[share][rule])]
            lines.append(line)
        for of, waits in CHANGES.items():
            line = [f"{rule}, {change(*of)}", _said(*waits[i])]
            for after in (changes, changes_again)[: 1 if i else 2]:
                line += [waited(after[of][rule]), _wait_apart(waits[i], after[of][rule])]
            lines.append(line)
    columns = ["rule, calls that fail", "specification", "the product", "", "in the prototype's terms", ""]
    return table("Failures beside the specification", columns, lines)


def latency(spreads: Sequence[tuple[FalseByRule, DelaysByRule]]) -> Table:
    """Returns the specification's words on latency beside ours, from the least to the largest spread, slowed by 3."""
    detector, ratio, *_ = LATENCY_RULES
    rates = [steady[detector].rate for steady, _ in spreads]
    (_, first), *_, (_, last) = spreads
    return table(
        "First tokens beside the specification, log-normal, sigma 0.1 to 1",
        ["", "specification", "the product"],
        [
            [f"{detector}, false per 10,000", "0.1 to 0.2", f"{min(rates):.2f} to {max(rates):.2f}"],
            [f"{detector}, x3", "3 to 22", f"{waited(first[detector])} to {waited(last[detector])}"],
            [f"{ratio}, x3", "practically never", f"{waited(first[ratio])} to {waited(last[ratio])}"],
        ],
    )


def _said(middle: float, late: float | None = None, *, form: str = "g") -> str:
    shown = "never" if middle == math.inf else f"{middle:{form}}"
    return shown if late is None else f"{shown} ({late:{form}})"


def _rate_apart(said: float, found: FalseAlarms) -> str:
    # What is said is rounded to a tenth, and comes from a sample as well.
    return "same" if abs(found.rate - said) <= 0.05 + 1.5 * found.margin else f"{found.rate - said:+.2f}"


def _wait_apart(said: Waits, found: Delays) -> str:
    pairs = [(found.quantile(share), calls) for share, calls in zip((0.5, 0.95), said, strict=False)]
    if all(math.isclose(ours, calls, rel_tol=0.1, abs_tol=1) for ours, calls in pairs):
        return "same"
    return _said(*(ours - calls for ours, calls in pairs), form="+.0f")
