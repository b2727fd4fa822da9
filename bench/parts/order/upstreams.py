"""Simulated providers: what an answer of theirs takes and costs, and when they are sick."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from config.breaker import Breaker
from config.providers import Model, Provider

FIRST_SIGMA, SPEED_SIGMA = 0.3, 0.15
"""Standard deviations of the logarithm: of the time to first token, and of that from token to token."""

REFUSED = 0.3
"""Seconds after which a provider that is out answers with an error."""

_MEAN_SPEED = math.exp(SPEED_SIGMA**2 / 2)


@dataclass(frozen=True)
class Sickness:
    """From `begin` to `end`, in seconds, calls take `slower` times as long, and a share of `failing` fails.

    First tokens alone take `first_slower` times as long, on top of that.
    """

    begin: float
    end: float = math.inf
    slower: float = 1.0
    failing: float = 0.0
    first_slower: float = 1.0

    def is_at(self, at: float) -> bool:
        """Returns whether it is one at this time."""
        return self.begin <= at < self.end


WELL = Sickness(0.0)


@dataclass(frozen=True)
class Luck:
    """What chance makes of one completion at one provider: two standard normal numbers, two between 0 and 1."""

    first: float
    speed: float
    fails: float
    when: float


@dataclass(frozen=True)
class Work:
    """What one call takes: seconds from its begin to its first token and to its end, and USD."""

    first_token: float
    seconds: float
    usd: float
    failed: bool


@dataclass(frozen=True)
class Upstream:
    """One provider.

    Attributes:
        name: its name.
        input_usd: USD per million tokens of a prompt.
        output_usd: of an answer.
        first_token: median seconds to the first token of an empty prompt.
        per_token: median seconds from token to token.
        per_prompt_token: seconds to read one token of the prompt.
        slots: calls that it answers at a time, the others wait in order; None for any number.
        sicknesses: when it is sick.
        first_sigma: how its first tokens scatter.
    """

    name: str
    input_usd: float
    output_usd: float
    first_token: float
    per_token: float
    per_prompt_token: float = 0.0001
    slots: int | None = None
    sicknesses: tuple[Sickness, ...] = ()
    first_sigma: float = FIRST_SIGMA

    def provider(self, breaker: Breaker) -> Provider:
        """Returns its configuration."""
        model = Model(name=f"{self.name}-1", input_usd=self.input_usd, output_usd=self.output_usd)
        return Provider(
            name=self.name, dialect="openai", base_url="http://x", models={"default": model}, breaker=breaker
        )

    def sickness(self, at: float) -> Sickness:
        """Returns how it is."""
        return next((each for each in self.sicknesses if each.is_at(at)), WELL)

    def work(self, prompt: int, answer: int, at: float, luck: Luck) -> Work:
        """Returns what a call takes that begins at this time.

        Where all calls fail they do at once. Else a failed one breaks off anywhere in its answer, and is billed so far.
        """
        sick = self.sickness(at)
        first = self._to_first(prompt) * sick.slower * sick.first_slower * math.exp(self.first_sigma * luck.first)
        seconds = first + answer * self.per_token * sick.slower * math.exp(SPEED_SIGMA * luck.speed)
        if luck.fails >= sick.failing:
            return Work(first, seconds, self.usd(prompt, answer), failed=False)
        if sick.failing == 1:
            return Work(math.inf, REFUSED, 0.0, failed=True)
        lasts = luck.when * seconds
        told = answer * max(0.0, lasts - first) / (seconds - first)
        return Work(first if lasts > first else math.inf, lasts, self.usd(prompt, told), failed=True)

    def expected(self, prompt: int, answer: int, at: float) -> tuple[float, float]:
        """Returns the mean seconds and the USD of an answer that begins at this time."""
        sick = self.sickness(at)
        first = self._to_first(prompt) * sick.first_slower * math.exp(self.first_sigma**2 / 2)
        return sick.slower * (first + answer * self.per_token * _MEAN_SPEED), self.usd(prompt, answer)

    def usd(self, prompt: int, answer: float) -> float:
        """Returns what so many tokens cost."""
        return (prompt * self.input_usd + answer * self.output_usd) / 1e6

    def _to_first(self, prompt: int) -> float:
        return self.first_token + prompt * self.per_prompt_token


class Queue:
    """The calls of one provider, in order of arrival."""

    def __init__(self, upstream: Upstream) -> None:
        self._free = [0.0] * (upstream.slots or 0)
        heapify(self._free)

    def begins(self, now: float) -> float:
        """Returns when a call begins that arrives now."""
        return max(now, self._free[0]) if self._free else now

    def add(self, ends: float) -> None:
        """Takes the slot that is free first until a time."""
        if self._free:
            heappop(self._free)
            heappush(self._free, ends)


def by_name(upstreams: Sequence[Upstream]) -> dict[str, Upstream]:
    """Returns the providers by name, in order."""
    return {each.name: each for each in upstreams}
