"""Tables of what bench/detectors.py found, in Markdown, as docs/benchmarks/detectors.md has them."""

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from bench.parts.detectors.alarms import FAILURE_RULES, LATENCY_RULES
from bench.parts.detectors.noise import Noise
from bench.parts.detectors.scenarios import AFTER, Delays, FalseAlarms

FalseByRule = Mapping[str, FalseAlarms]
DelaysByRule = Mapping[str, Delays]


def table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """Returns a table; its first column is what a line is about."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.MARKDOWN)
    for column in columns:
        drawn.add_column(column, no_wrap=True)
    for line in lines:
        drawn.add_row(*line)
    return drawn


def failing(found: Mapping[float, FalseByRule]) -> Table:
    """Returns false alarms by the share of calls that always fail."""
    detector = FAILURE_RULES[0]
    return table(
        "False alarms per 10,000 calls (95 % interval)",
        ["calls that fail", *FAILURE_RULES, "the detector's in the first 2,000 calls"],
        [
            [percent(share), *(rate(rules[rule]) for rule in FAILURE_RULES), f"{rules[detector].learning:.2f}"]
            for share, rules in found.items()
        ],
    )


def failing_more(found: Mapping[tuple[float, float], DelaysByRule]) -> Table:
    """Returns calls until the alarm by the change of that share."""
    return table(
        f"Calls from the change to the alarm, of {AFTER}: median (95th percentile)",
        ["calls that fail", *FAILURE_RULES],
        [[change(*of), *(waited(rules[rule]) for rule in FAILURE_RULES)] for of, rules in found.items()],
    )


def steady(found: Mapping[Noise, FalseByRule]) -> Table:
    """Returns false alarms by how first tokens scatter."""
    detector = LATENCY_RULES[0]
    return table(
        "False alarms per 10,000 first tokens (95 % interval)",
        ["first tokens", *LATENCY_RULES[:2], "the detector's in the first 500"],
        [
            [scatter.name, *(rate(rules[rule]) for rule in LATENCY_RULES[:2]), f"{rules[detector].learning:.2f}"]
            for scatter, rules in found.items()
        ],
    )


def slower(found: Mapping[Noise, Mapping[float, DelaysByRule]]) -> Table:
    """Returns first tokens until the alarm by how they scatter and how many times as long they take."""
    detector, ratio, *_ = LATENCY_RULES
    times = list(next(iter(found.values())))
    return table(
        f"First tokens from the slowdown to the alarm, of {AFTER}: median (95th percentile)",
        ["first tokens", *(f"x{factor:g}" for factor in times), f"{ratio}: x3", "x5"],
        [
            [
                scatter.name,
                *(waited(factors[factor][detector]) for factor in times),
                *(waited(factors[factor][ratio]) for factor in (3, 5)),
            ]
            for scatter, factors in found.items()
        ],
    )


def slowness(
    still: Mapping[Noise, FalseByRule],
    slow: Mapping[Noise, Mapping[float, DelaysByRule]],
    again: Mapping[Noise, DelaysByRule],
) -> Table:
    """Returns how often the long baseline begins a slowness for nothing, how soon one that is, and its end."""
    *_, begins, ends = LATENCY_RULES
    times = list(next(iter(slow.values())))
    return table(
        f"Slow for hours: false per 10,000; first tokens until it begins and, after {AFTER} at x3, until it ends",
        ["first tokens", "false", *(f"begins, x{factor:g}" for factor in times), "ends, x3"],
        [
            [
                scatter.name,
                rate(still[scatter][begins]),
                *(waited(slow[scatter][factor][begins]) for factor in times),
                waited(again[scatter][ends]),
            ]
            for scatter in still
        ],
    )


def percent(share: float) -> str:
    """Returns a share in words."""
    return f"{100 * share:.0f} %"


def change(before: float, after: float) -> str:
    """Returns a change of a share in words."""
    return f"{100 * before:.0f} -> {100 * after:.0f} %"


def rate(alarms: FalseAlarms) -> str:
    """Returns alarms per 10,000 calls with the 95 % interval."""
    return f"{alarms.rate:.2f} ± {alarms.margin:.2f}" if alarms.rate else f"0 (below {alarms.margin:.3f})"


def waited(delays: Delays) -> str:
    """Returns the median and the 95th percentile, or in the place of either how many runs alarmed at all."""
    middle, late = delays.quantile(0.5), delays.quantile(0.95)
    alarmed = percent(delays.share(AFTER))
    if math.isinf(middle):
        return f"never ({alarmed} do)" if delays.share(AFTER) else "never"
    return f"{middle:.0f} ({alarmed} do)" if math.isinf(late) else f"{middle:.0f} ({late:.0f})"
