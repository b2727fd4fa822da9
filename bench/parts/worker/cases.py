"""The loads that bench/worker.py compares the tasks under, and what ours may cost under each."""

from dataclasses import dataclass

from bench.kit.upstream import Pace

IN_FLIGHT = 100
ROUTED_IN_FLIGHT, ROUTED_SECONDS = 10, 6.0
"""With LiteLLM's Router at most, and at least: it takes some hundreds of milliseconds of CPU for 300 events."""


@dataclass(frozen=True)
class Case:
    """One load: how the upstream answers, how many are in flight, and the seconds of the ramp and of the stretch.

    `aim` is the most of the barest task's CPU, `late` the most of the upstream's own time that an answer may be late.
    """

    name: str
    pace: Pace
    aim: float
    in_flight: int = IN_FLIGHT
    warm_up: float = 0.7
    seconds: float = 3.0
    late: float | None = None

    @property
    def title(self) -> str:
        """Returns the title of its table."""
        return f"{self.name}, {self.in_flight} in flight"


BURSTS = (
    Case("200 ms upstream, a chunk per event", Pace(0.2, "chunks"), 0.85),
    Case("0 ms upstream, a chunk per event", Pace(0.0, "chunks"), 0.85),
    Case("200 ms upstream, one chunk in all", Pace(0.2, "block"), 1.0),
    Case("0 ms upstream, one chunk in all", Pace(0.0, "block"), 1.0),
)
TOKENS = Case("token by token, 20 ms apart", Pace(0.0, "tokens", 0.02), 0.5, 40, 6.2, 12.0, late=0.015)
PLAIN = (
    Case("200 ms upstream, plain", Pace(0.2), 0.75),
    Case("0 ms upstream, plain", Pace(0.0), 0.75),
)
OPENING = Case("opening connections", Pace(0.2), 1.0, warm_up=1.0, seconds=1.0)
LATENCY = Pace(0.0, "chunks")
