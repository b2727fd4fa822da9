"""Tables of what bench/order.py found, in Markdown, as docs/benchmarks/order.md has them."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from rich import box
from rich.table import Table

from bench.kit import report
from bench.parts.order.figures import Figures
from bench.parts.order.runs import OTHERS, OURS, POLICIES
from bench.parts.order.scenarios import STORIES

ByPolicy = Mapping[str, Sequence[Figures]]
"""The figures of each policy, one for each seed."""

MOST_WORSE, BETTER_IN = 1.05, 3
"""The aim: a regret of at most so many times the best other's in each story, and a lower one in so many."""


def regrets(stories: Mapping[str, ByPolicy]) -> Table:
    """Returns the regret by story and policy, and how many times the best other's ours is."""
    lines = {
        story: [*(_spread([each.regret for each in found[policy]]) for policy in POLICIES), f"{ratio(found):.2f}"]
        for story, found in stories.items()
    }
    return _grid("Regret, USD per 1,000 completions", [*POLICIES, "ours / best other"], lines)


def scenario(name: str, found: ByPolicy) -> Table:
    """Returns everything about one scenario, a line for each policy."""
    oracle = median(each.oracle for each in found[OURS])
    columns = ["regret", "in USD", "in seconds", "switches/min", "to the sick one, %", "returned after, s"]
    lines = {
        policy: [
            _spread([getattr(each, field) for each in runs])
            for field in ("regret", "usd", "seconds", "switches", "to_sick", "back")
        ]
        for policy, runs in found.items()
    }
    return _grid(f"{name} (the oracle: {oracle:.2f} USD per 1,000)", columns, lines)


def ratio(found: ByPolicy) -> float:
    """Returns our regret over the least of the others', of the medians."""
    middle = {policy: median(each.regret for each in runs) for policy, runs in found.items()}
    best = min(middle[policy] for policy in OTHERS)
    return middle[OURS] / best if best > 0 else math.inf


def aims(stories: Mapping[str, ByPolicy]) -> list[str]:
    """Returns a line for each aim, and whether it was met."""
    ratios = {story: ratio(found) for story, found in stories.items()}
    worst = max(ratios, key=ratios.__getitem__)
    better = sum(each < 1 for each in ratios.values())
    times = f"{ratios[worst]:.2f} times: {worst}"
    return [
        f"at most 5 % more regret than the best other in each: {report.met(ratios[worst] <= MOST_WORSE)} ({times})",
        f"less than any other in at least {BETTER_IN}: {report.met(better >= BETTER_IN)} ({better} of {len(ratios)})",
    ]


def summed(parts: Sequence[ByPolicy]) -> dict[str, list[Figures]]:
    """Returns the figures of a story's scenarios as one; only their regrets are added up."""
    return {
        policy: [_sum(figures) for figures in zip(*(part[policy] for part in parts), strict=True)]
        for policy in POLICIES
    }


def _sum(parts: Sequence[Figures]) -> Figures:
    regret, usd, oracle = (sum(getattr(each, field) for each in parts) for field in ("regret", "usd", "oracle"))
    return Figures(regret, usd, sum(each.seconds for each in parts), math.nan, math.nan, math.nan, oracle)


def _spread(values: Sequence[float]) -> str:
    if math.isnan(values[0]):
        return "-"
    middle = sorted(values)[len(values) // 2]
    low, high = min(values), max(values)
    if math.isinf(high):
        returned = sum(math.isfinite(each) for each in values)
        return f"never ({returned} of {len(values)} do)" if math.isinf(middle) else f"{middle:.0f} ({low:.0f} to never)"
    return report.spread(values)


def _grid(title: str, columns: Sequence[str], lines: Mapping[str, Sequence[str]]) -> Table:
    drawn = report.grid(title, columns, lines)
    drawn.box = box.MARKDOWN
    return drawn


def of_story(by_scenario: Mapping[str, ByPolicy]) -> dict[str, dict[str, list[Figures]]]:
    """Returns the figures by story, from those by scenario."""
    return {story: summed([by_scenario[each.name] for each in told]) for story, told in STORIES.items()}
