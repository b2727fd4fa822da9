"""The score of a provider in a group: what the scripts need to know, what they say, and what an attempt teaches.

They compute it where a permit is granted: lua/admission/score.lua.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Rate = tuple[float, float, float, float]
"""Nano-USD of a token of the prompt, of a cached one and of the answer, and of a request."""


@dataclass(frozen=True, slots=True)
class Score:
    """Why a provider was chosen: the least `usd` of its group, (cost_usd + second_usd * seconds) / success.

    Attributes:
        cost_usd: expected of an attempt.
        seconds: expected until the answer is whole.
        success: the share of attempts that are answered, 0 to 1.
        usd: what an answer costs, waiting included.
        load: 1 is as usual.
    """

    cost_usd: float
    seconds: float
    success: float
    usd: float
    load: float = 0.0

    def fields(self) -> dict[str, float]:
        """Returns what the attempt's line says."""
        names = ("cost_usd", "seconds", "success", "usd")
        return {name: float(f"{getattr(self, name):.6g}") for name in names}


def parse_score(reply: Sequence[int]) -> Score:
    """Returns the score in a reply of a script."""
    cost, ms, success, usd, load = reply
    return Score(cost / 1e9, ms / 1000, success / 1e6, usd / 1e9, load / 1000)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the scripts need to score providers that are asked.

    Attributes:
        groups: by place: those with the same number, side by side, are a group; 0 is asked in its place.
        rates: by place; anything where the group is 0.
        tier: the model's.
        prompt: tokens of the prompt.
        output: tokens of an answer, before any is known.
        second_usd: what a second of waiting is worth.
        limit: tokens of the answer that the request allows, None for any number.
        explores: whether the provider with the oldest data is to be asked first.
    """

    groups: Sequence[int]
    rates: Sequence[Rate]
    tier: str
    prompt: int
    output: int
    second_usd: float
    limit: int | None = None
    explores: bool = False

    def demand(self) -> dict[str, Any]:
        """Returns it as a part of a demand."""
        asked: dict[str, Any] = {
            "groups": self.groups,
            "rates": self.rates,
            "tier": self.tier,
            "prompt": self.prompt,
            "output": self.output,
            "second": round(self.second_usd * 1_000_000, 6),
        }
        if self.limit is not None:
            asked["limit"] = self.limit
        return {"scored": {**asked, "explore": 1} if self.explores else asked}


@dataclass(frozen=True, slots=True)
class Sample:
    """What one attempt at a provider that was chosen by its score teaches, beside its times.

    Attributes:
        tier: the model's.
        answered: whether it was; if not, it failed by the provider's fault.
        prompt: tokens of the prompt.
        output: tokens of the answer.
        cached: those of the prompt that were read from a cache.
        load: of its score.
        scarce_ms: how long the vendor says that little remains of its rate limits, 0 while enough does.
    """

    tier: str
    answered: bool
    prompt: int = 0
    output: int = 0
    cached: int = 0
    load: float = 0.0
    scarce_ms: float = 0

    def __str__(self) -> str:
        """Returns it as the script takes it."""
        numbers = (self.prompt, self.output, self.cached, round(self.load * 1000), round(self.scarce_ms))
        return " ".join((self.tier, str(int(self.answered)), *(str(max(0, number)) for number in numbers)))


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of a provider's tier now.

    Attributes:
        seconds: until an answer is whole, of the usual prompt and answer; 0 where none was answered.
        success: the share of attempts that are answered, 0 to 1.
        prompt: tokens of the usual prompt.
        output: tokens of the usual answer.
        cached: the share of the prompt that is read from a cache.
        in_flight: estimated calls in flight.
        at: epoch in seconds of the last attempt.
    """

    seconds: float
    success: float
    prompt: int
    output: int
    cached: float
    in_flight: float
    at: float


def parse_scored(text: str) -> Scored:
    """Returns the figures of one tier in a snapshot."""
    ms, success, prompt, output, cached, in_flight, at = map(int, text.split())
    return Scored(ms / 1000, success / 1e6, prompt, output, cached / 1000, in_flight / 1000, at / 1000)
