"""What happens to the providers: five stories, of which one is told with three values of a second."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.parts.order.upstreams import Sickness, Upstream

MINUTE = 60.0
SECOND_USD = 0.002


@dataclass(frozen=True)
class Scenario:
    """One story.

    Attributes:
        name: what happens.
        upstreams: the providers, as the chain lists them.
        minutes: how long it lasts.
        rate: completions a second, at random.
        bursts: seconds at which `size` more arrive at once.
        size: of a burst.
        second_usd: what a second of waiting is worth.
        sick: the provider that is sick at times; empty without one.
        back: the second at which it is well again, None if it never is.
    """

    name: str
    upstreams: tuple[Upstream, ...]
    minutes: float
    rate: float
    bursts: Sequence[float] = ()
    size: int = 0
    second_usd: float = SECOND_USD
    sick: str = ""
    back: float | None = None

    @property
    def seconds(self) -> float:
        """Returns how long it lasts."""
        return MINUTE * self.minutes


QUICK = Upstream("quick", 1.0, 5.0, 0.5, 0.010)
FRUGAL = Upstream("frugal", 0.6, 4.0, 0.8, 0.013)
NOBLE = Upstream("noble", 2.5, 10.0, 0.4, 0.008)
"""Three vendors: with 800 tokens in and 300 out an answer takes 3.6, 4.8 and 2.9 s and costs 0.0023, 0.0017 and 0.0050
USD, at 0.002 USD a second together 0.0095, 0.0113 and 0.0108."""

CHEAP = Upstream("cheap", 0.1, 0.4, 1.5, 0.040)
DEAR = Upstream("dear", 3.0, 15.0, 0.4, 0.008)
"""An answer takes 13.6 or 2.9 s and costs 0.0002 or 0.0069 USD: as good as each other at 0.0006 USD a second."""

OWN = Upstream("own", 0.0, 0.0, 0.3, 0.010, 0.0003, slots=8)
"""A server of one's own with eight slots; beyond them calls wait in order. An answer takes 3.6 s without waiting."""


def _regions(*sicknesses: Sickness) -> tuple[Upstream, ...]:
    """Returns three accounts of one vendor, nearly equal."""
    first, *others = (
        replace(QUICK, name=f"region-{i}", first_token=0.5 + 0.02 * i, per_token=0.010 + 0.0002 * i) for i in range(3)
    )
    return (replace(first, sicknesses=sicknesses), *others)


def _sick(*sicknesses: Sickness) -> tuple[Upstream, ...]:
    return (replace(QUICK, sicknesses=sicknesses), FRUGAL, NOBLE)


SLOWER = Scenario("three times slower", _sick(Sickness(5 * MINUTE, slower=3)), minutes=15, rate=2, sick="quick")
FAILING = Scenario("10 % fail", _regions(Sickness(3 * MINUTE, failing=0.1)), minutes=15, rate=2, sick="region-0")
CHEAP_OR_DEAR = tuple(
    Scenario(f"cheap or dear, {usd:g} USD a second", (CHEAP, DEAR), minutes=10, rate=1, second_usd=usd)
    for usd in (0.0002, 0.002, 0.01)
)
BURST = Scenario(
    "a burst of 50",
    (OWN, replace(FRUGAL, slots=20), replace(QUICK, slots=20)),
    minutes=10,
    rate=0.5,
    bursts=tuple(range(60, 600, 60)),
    size=50,
)
OUTAGE = Scenario(
    "back after an outage",
    _sick(Sickness(3 * MINUTE, 6 * MINUTE, failing=1)),
    minutes=12,
    rate=2,
    sick="quick",
    back=6 * MINUTE,
)
SLOWNESS = Scenario(
    "back after a slowness",
    _sick(Sickness(3 * MINUTE, 6 * MINUTE, slower=4)),
    minutes=12,
    rate=2,
    sick="quick",
    back=6 * MINUTE,
)

STORIES: dict[str, tuple[Scenario, ...]] = {
    "three times slower": (SLOWER,),
    "10 % fail": (FAILING,),
    "cheap and slow or dear and fast": CHEAP_OR_DEAR,
    "a burst of 50": (BURST,),
    "recovery": (OUTAGE, SLOWNESS),
}
"""The five, each with the scenarios whose regrets it adds up."""
