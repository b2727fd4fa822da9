"""Runs a scenario under each policy, with the same completions and the same luck."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from zlib import crc32

from numpy.random import default_rng

from bench.parts.order import requests
from bench.parts.order.admission import Anybody, Breakers
from bench.parts.order.figures import Figures, figures
from bench.parts.order.policies import Listed, MeanOfTen, Oracle, PeakEwma, Policy
from bench.parts.order.requests import Request
from bench.parts.order.scenarios import Scenario
from bench.parts.order.simulation import Completed, Simulation
from bench.parts.order.upstreams import Queue, by_name
from config.breaker import Breaker

OURS = "scored"
POLICIES: dict[str, Callable[[random.Random], Policy]] = {
    OURS: lambda _: Listed(),
    "listed": lambda _: Listed(),
    "peak EWMA, two choices": PeakEwma,
    "mean of ten": MeanOfTen,
}
"""By name; in a scored chain the scripts choose."""

_url = ""

OTHERS = tuple(name for name in POLICIES if name != OURS)


@dataclass(frozen=True)
class Run:
    """One run under one policy: its figures, and what became of each completion."""

    figures: Figures
    completed: Sequence[Completed]


def begin(url: str, databases: "SimpleQueue[int]") -> None:
    """Takes a database of the server for the runs of this process."""
    global _url
    _url = url.rpartition("/")[0] + f"/{databases.get()}"


def run(scenario: Scenario, seed: int) -> dict[str, Run]:
    """Returns the run of each policy; each begins with an empty database."""
    random.seed(f"{seed} {scenario.name}")  # the product draws by how much a breaker stays open longer
    asked = _requests(scenario, seed)
    queues, upstreams = _queues(scenario), by_name(scenario.upstreams)
    oracle = Oracle(upstreams, queues, scenario.second_usd)
    best = Simulation(upstreams, queues, oracle, Anybody()).run(asked)
    found = {}
    for name, policy in POLICIES.items():
        chance = random.Random(f"{seed} {name}")
        second_usd = scenario.second_usd if name == OURS else None
        admission = Breakers(_url, scenario.upstreams, Breaker(), chance, second_usd)
        completed = Simulation(upstreams, _queues(scenario), policy(chance), admission).run(asked)
        found[name] = Run(figures(scenario, completed, best), completed)
    return found


def _requests(scenario: Scenario, seed: int) -> list[Request]:
    rng = default_rng([seed, crc32(scenario.name.encode())])
    times = requests.arrivals(rng, scenario.seconds, scenario.rate, scenario.bursts, scenario.size)
    return requests.drawn(rng, times, [each.name for each in scenario.upstreams])


def _queues(scenario: Scenario) -> dict[str, Queue]:
    return {each.name: Queue(each) for each in scenario.upstreams}
