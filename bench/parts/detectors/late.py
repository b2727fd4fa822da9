"""What the learned limit of first tokens does for a fleet whose first provider becomes three times slower.

Completions arrive at a chain of two providers, in simulated time; every decision is made by the product's scripts on a
real server, and by its limit of worker/admission/first_tokens.py. Only first tokens become slower.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from zlib import crc32

import numpy as np
from numpy.random import default_rng
from rich.table import Table

from bench.parts.detectors.tables import table
from bench.parts.order import requests
from bench.parts.order.admission import Breakers
from bench.parts.order.policies import Listed
from bench.parts.order.simulation import Completed, Simulation
from bench.parts.order.upstreams import Queue, Sickness, Upstream, by_name
from config.breaker import Adaptive, Breaker

FIRST, SECOND = "first", "second"
TIMES = 3
RATE = 17.0
"""Completions a second."""

LEARNED, AFTER, STEADY = 60.0, 30.0, 360.0
"""Seconds before the change, and after it; and of a run without one, the first `LEARNED` of which do not count."""

SIGMAS = (0.1, 0.25, 0.5)
USUAL = (0.4, 1.0)
"""Seconds to the first token of an empty prompt, before the change."""

GONE_OF, GONE = 20, 10
"""The fleet has gone elsewhere once half of the last twenty completions that arrived were."""

SIDES = {
    "without it": (Breaker(adaptive=Adaptive(first_tokens="off")), False),
    "with it": (Breaker(), True),
    "instead, latency on": (Breaker(adaptive=Adaptive(first_tokens="off", latency="on")), False),
}
"""The breaker's settings, and whether the limit ends calls."""


@dataclass(frozen=True)
class Late:
    """Of one side in one run.

    Attributes:
        gone: seconds from the change until the fleet has gone elsewhere, infinite for never.
        elsewhere: percent of the completions after the change whose answer came from elsewhere.
        p50, p99: seconds to the first token of the completions after it.
        false: of 10,000 completions without a change, those that went elsewhere.
    """

    gone: float
    elsewhere: float
    p50: float
    p99: float
    false: float


def measured(url: str, usual: float, sigma: float, side: str, seeds: Iterable[int]) -> list[Late]:
    """Returns the figures of each seed's run."""
    return [_late(url, usual, sigma, side, seed) for seed in seeds]


def _late(url: str, usual: float, sigma: float, side: str, seed: int) -> Late:
    well = Upstream(FIRST, 1.0, 5.0, usual, 0.010, first_sigma=sigma)
    slow = replace(well, sicknesses=(Sickness(LEARNED, first_slower=TIMES),))
    changed = [each for each in _run(url, slow, side, LEARNED + AFTER, seed) if each.arrived >= LEARNED]
    steady = [each for each in _run(url, well, side, STEADY, seed) if each.arrived >= LEARNED]
    waited = [each.first_token - each.arrived for each in changed]
    return Late(
        _gone(changed),
        100 * _share_elsewhere(changed),
        float(np.quantile(waited, 0.5)),
        float(np.quantile(waited, 0.99)),
        10_000 * _share_elsewhere(steady),
    )


def _run(url: str, first: Upstream, side: str, seconds: float, seed: int) -> list[Completed]:
    breaker, cuts = SIDES[side]
    upstreams = (first, replace(first, name=SECOND, sicknesses=()))
    rng = default_rng([seed, crc32(f"{first.first_token} {first.first_sigma} {seconds}".encode())])
    asked = requests.drawn(rng, requests.arrivals(rng, seconds, RATE), [FIRST, SECOND])
    queues = {each.name: Queue(each) for each in upstreams}
    admission = Breakers(url, upstreams, breaker, Random(seed))
    return Simulation(by_name(upstreams), queues, Listed(), admission, cuts=cuts).run(asked)


def _gone(changed: Sequence[Completed]) -> float:
    last: deque[bool] = deque(maxlen=GONE_OF)
    for each in changed:
        last.append(each.picks[-1].provider == SECOND)
        if sum(last) >= GONE:
            return each.picks[-1].at - LEARNED
    return math.inf


def _share_elsewhere(completed: Sequence[Completed]) -> float:
    return sum(each.picks[-1].provider == SECOND for each in completed) / len(completed)


def rows(found: dict[tuple[float, float, str], list[Late]]) -> Table:
    """Returns a table with a line for each time, noise and side."""
    return table(
        f"First tokens take {TIMES} times as long: {AFTER:g} s of {RATE:g} completions a second; medians of the runs",
        [
            "usual, sigma",
            "learned limit",
            "gone after, s",
            "elsewhere, %",
            "first token p50, s",
            "p99",
            "false / 10,000",
        ],
        [[f"{usual:g} s, {sigma:g}", side, *_cells(runs)] for (usual, sigma, side), runs in found.items()],
    )


def _cells(runs: Sequence[Late]) -> list[str]:
    gone = median(each.gone for each in runs)
    return [
        "never" if math.isinf(gone) else f"{gone:.1f}",
        f"{median(each.elsewhere for each in runs):.0f}",
        *(f"{median(getattr(each, name) for each in runs):.2f}" for name in ("p50", "p99")),
        f"{sum(each.false for each in runs) / len(runs):.1f}",
    ]
