"""Scores in plain Python: what score.lua must do, said a second time. Times are in ms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.limits import Limits
from tests.worker.admission.breaker_circuit import Circuit

MINUTE, HOUR = 60_000, 3_600_000

Figures = tuple[int, ...]
"""A field of the hash, empty where it is not stored."""


@dataclass(frozen=True)
class Outcomes:
    """What is known of outcomes and sizes: the field `score:<tier>`."""

    ok: float = 0.0
    bad: float = 0.0
    cached: float = 0.0
    prompt: float = 0.0
    output: float = 0.0
    at: int = 0

    @classmethod
    def now(cls, stored: Figures, now: int) -> "Outcomes":
        if not stored:
            return cls()
        ok, bad, cached, prompt, output, at = stored
        kept = 2 ** ((at - now) / (10 * MINUTE))
        return cls(ok / 1000 * kept, bad / 1000 * kept, cached / 1000, prompt, output, at)

    @property
    def p(self) -> float:
        return (self.ok + 1.8) / (self.ok + self.bad + 2)

    def stored(self, now: int) -> Figures:
        counts = (min(self.ok * 1000, 1e9), min(self.bad * 1000, 1e9), self.cached * 1000)
        return whole(*counts, min(self.prompt, 1e8), min(self.output, 1e8), now)


@dataclass(frozen=True)
class Speed:
    """What is known of speed, in us: the field `speed:<tier>`."""

    first: float
    token: float
    usual_first: float
    usual_token: float
    samples: float
    age: int

    @classmethod
    def now(cls, stored: Figures, at: int, now: int) -> "Speed | None":
        if not stored:
            return None
        *speeds, samples, age = stored
        return cls(*speeds, samples / 1000 * 2 ** ((at - now) / MINUTE), age)

    def pulled(self) -> tuple[float, float]:
        pairs = ((self.first, self.usual_first), (self.token, self.usual_token))
        first, token = ((self.samples * latest + usual) / (self.samples + 1) for latest, usual in pairs)
        return first, token

    def stored(self) -> Figures:
        speeds = (self.first, self.token, self.usual_first, self.usual_token)
        return whole(*(min(each, 3.6e9) for each in speeds), self.samples * 1000, self.age)


@dataclass(frozen=True)
class Load:
    """The calls in flight: the field `load`."""

    pending: float = 0.0
    usual: float = 0.0
    age: float = 0
    length: float = 5000
    at: int = 0

    @classmethod
    def now(cls, stored: Figures, now: int) -> "Load":
        if not stored:
            return cls(at=now)
        pending, usual, age, length, at = stored
        step = max(0, now - at)
        kept, age = math.exp(-step / length), min(age + step, 10 * MINUTE)
        mean: float = usual
        if step:
            mean = usual + min(1, step / age) * (pending * length * (1 - kept) / step - usual)
        return cls(pending / 1000 * kept, mean / 1000, age, length, max(now, at))

    def with_one_more(self) -> Figures:
        return whole((self.pending + 1) * 1000, self.usual * 1000, self.age, self.length, self.at)

    def with_length(self, latency: float) -> Figures:
        length = max(1, self.length + 0.1 * (latency - self.length))
        return whole(self.pending * 1000, self.usual * 1000, self.age, length, self.at)


@dataclass
class Member:
    """One provider of a group, as a group's turn finds it; `slots` are the live ones."""

    name: str
    place: int
    circuit: Circuit
    limits: Limits
    slots: int
    score: tuple[float, ...] = ()

    @property
    def outcomes(self) -> Outcomes:
        return Outcomes.now(self.circuit.score, self.circuit.seen)

    @property
    def speed(self) -> Speed | None:
        return Speed.now(self.circuit.speed, self.outcomes.at, self.circuit.seen)

    @property
    def load(self) -> Load:
        return Load.now(self.circuit.load, self.circuit.seen)

    @property
    def is_hot(self) -> bool:
        return self.circuit.hot_until > self.circuit.seen

    @property
    def j(self) -> float:
        return self.score[3]

    def reply(self) -> list[int]:
        c, t, p, j, load = self.score
        return [math.floor(each + 0.5) for each in (c, t, p * 1e6, j, load * 1000)]


def of_prompt(circuit: Circuit, tokens: int) -> float:
    """Returns a prompt's time to first token over that of one of 1,000 tokens."""
    if not circuit.usual:
        return 1.0
    _, _, _, variance, covariance, _ = circuit.usual
    slope = max(0.0, min(1.0, covariance / (variance + 100_000)))
    return float(((1 + tokens) / 1001) ** slope)


def rank(members: Sequence[Member], scored: Mapping[str, Any], time: int) -> list[Member]:
    """Returns a group in the order in which it is asked, each member with its score."""
    usual = max(each.load.usual for each in members)
    known = [(each, speed) for each in members if (speed := each.speed)]
    first, token, output = 1_000_000.0, 20_000.0, float(scored["output"])
    if known:
        first = _mean([speed.usual_first for _, speed in known])
        token = _mean([speed.usual_token for _, speed in known])
        output = _mean([each.outcomes.output for each, _ in known])
    for each in members:
        each.score = _score(each, scored, usual, (first, token, output))
    return _order(list(members), explores=bool(scored.get("explore")), time=time)


def _score(
    each: Member, scored: Mapping[str, Any], usual: float, prior: tuple[float, float, float]
) -> tuple[float, ...]:
    speed, outcomes = each.speed, each.outcomes
    first, token, output = (*speed.pulled(), outcomes.output) if speed else prior
    output = min(output, scored.get("limit", output))
    price, cached_price, of_answer, of_request = scored["rates"][each.place - 1]
    discount = outcomes.cached * (price - cached_price)
    cost = scored["prompt"] * (price - discount) + output * of_answer + of_request
    load = each.load.pending / max(usual, 8)
    if each.limits.concurrency:
        load = each.slots / each.limits.concurrency
    ms = (first * of_prompt(each.circuit, scored["prompt"]) + token * output) / 1000 * (1 + load)
    return cost, ms, outcomes.p, (cost + scored["second"] * ms) / outcomes.p, load


def _order(left: list[Member], *, explores: bool, time: int) -> list[Member]:
    order = []
    if explores:
        oldest = min(left, key=lambda each: each.outcomes.at)
        if oldest.circuit.hot_until <= time:
            order.append(oldest)
            left.remove(oldest)
    while left:
        pool = [each for each in left if each.circuit.hot_until <= time] or left
        best = pool[0]
        for each in pool[1:]:
            if each.j < 0.9 * best.j:
                best = each
        order.append(best)
        left.remove(best)
    return order


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def whole(*values: float) -> Figures:
    """Returns numbers as they are stored."""
    return tuple(int(f"{value:.0f}") for value in values)
