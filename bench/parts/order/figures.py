"""What came of one run beside the oracle's: regret, switches, calls to the sick one, the time to return."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.parts.order.scenarios import Scenario
from bench.parts.order.simulation import Completed

RETURNED_OF, RETURNED = 20, 10
"""A provider is returned to once it is asked first by half of the last twenty completions."""


@dataclass(frozen=True)
class Figures:
    """Of one run.

    Attributes:
        regret: USD per 1,000 completions beyond the oracle's, a second worth `second_usd`.
        usd: of these, what was paid to providers.
        seconds: beyond the oracle's, a completion.
        switches: how often another provider is asked first than for the completion before, a minute.
        to_sick: percent of the completions that called the provider that was sick then; NaN where none is.
        back: seconds from its recovery until it is returned to; infinite for never, NaN where it does not recover.
        oracle: USD per 1,000 completions that the oracle's cost, its seconds included.
    """

    regret: float
    usd: float
    seconds: float
    switches: float
    to_sick: float
    back: float
    oracle: float


def figures(scenario: Scenario, found: Sequence[Completed], best: Sequence[Completed]) -> Figures:
    """Returns the figures of one run; `best` is the oracle's of the same completions."""
    thousands = len(found) / 1000
    paid = sum(each.usd for each in found), sum(each.usd for each in best)
    lasted = sum(each.ended - each.arrived for each in found), sum(each.ended - each.arrived for each in best)
    totals = [usd + scenario.second_usd * seconds for usd, seconds in zip(paid, lasted, strict=True)]
    first = [each.picks[0].provider for each in found]
    return Figures(
        regret=(totals[0] - totals[1]) / thousands,
        usd=(paid[0] - paid[1]) / thousands,
        seconds=(lasted[0] - lasted[1]) / len(found),
        switches=sum(a != b for a, b in pairwise(first)) / scenario.minutes,
        to_sick=_to_sick(scenario, found),
        back=_back(scenario, found),
        oracle=totals[1] / thousands,
    )


def _to_sick(scenario: Scenario, found: Sequence[Completed]) -> float:
    sick = next((each for each in scenario.upstreams if each.name == scenario.sick), None)
    if not sick:
        return math.nan
    during = [each for each in found if any(s.is_at(each.arrived) for s in sick.sicknesses)]
    return 100 * sum(any(p.provider == sick.name for p in each.picks) for each in during) / len(during)


def _back(scenario: Scenario, found: Sequence[Completed]) -> float:
    if scenario.back is None:
        return math.nan
    last: deque[bool] = deque(maxlen=RETURNED_OF)
    for each in found:
        if each.arrived >= scenario.back:
            last.append(each.picks[0].provider == scenario.sick)
            if sum(last) >= RETURNED:
                return each.arrived - scenario.back
    return math.inf


def shares(scenario: Scenario, found: Sequence[Completed], provider: str, width: float) -> list[float]:
    """Returns for each `width` seconds the percent of completions that asked this provider first."""
    counts = [[0, 0] for _ in range(math.ceil(scenario.seconds / width))]
    for each in found:
        count = counts[min(int(each.arrived / width), len(counts) - 1)]
        count[0] += 1
        count[1] += each.picks[0].provider == provider
    return [100 * asked / total if total else math.nan for total, asked in counts]
