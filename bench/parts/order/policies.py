"""Who is asked first: the policies that are compared, and an oracle that knows how every provider is."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol

from bench.parts.order.requests import Request
from bench.parts.order.upstreams import Queue, Upstream


class Policy(Protocol):
    """Orders providers. It is told of the calls that begin and end, and of nothing else."""

    def order(self, request: Request, providers: Sequence[str], now: float) -> list[str]:
        """Returns these providers, the one to ask first in front."""

    def began(self, provider: str, now: float) -> None:
        """A call has begun."""

    def ended(self, provider: str, now: float, seconds: float, request: Request, *, failed: bool) -> None:
        """A call has ended after so many seconds."""


class Listed:
    """The chain's order. Of `scored` chains too: there the scripts choose."""

    def order(self, request: Request, providers: Sequence[str], now: float) -> list[str]:
        """Returns them as they are listed."""
        return list(providers)

    def began(self, provider: str, now: float) -> None:
        """Learns nothing."""

    def ended(self, provider: str, now: float, seconds: float, request: Request, *, failed: bool) -> None:
        """Learns nothing."""


class PeakEwma:
    """Peak EWMA with two random choices, as Finagle has it (loadbalancer/PeakEwma.scala, Balancers.p2cPeakEwma).

    The less of seconds x (calls in flight + 1) of two providers at random. The seconds rise at once to a call that took
    longer, and decay with time; a call that failed counts as one that took so long.
    """

    DECAY = 10.0
    PENALTY = 1e9
    """Seconds of a provider that was asked and has not answered yet."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._seconds: dict[str, float] = {}
        self._at: dict[str, float] = {}
        self._pending: dict[str, int] = {}

    def order(self, request: Request, providers: Sequence[str], now: float) -> list[str]:
        """Returns the better of two in front, then the other, then the rest at random."""
        shuffled = self._random.sample(list(providers), len(providers))
        return sorted(shuffled[:2], key=lambda name: self._load(name, now)) + shuffled[2:]

    def began(self, provider: str, now: float) -> None:
        """Counts it."""
        self._pending[provider] = self._pending.get(provider, 0) + 1

    def ended(self, provider: str, now: float, seconds: float, request: Request, *, failed: bool) -> None:
        """Learns the seconds of a call."""
        self._pending[provider] -= 1
        self._observe(provider, seconds, now)

    def _observe(self, name: str, seconds: float, now: float) -> float:
        before = self._seconds.get(name, 0.0)
        weight = math.exp(-(now - self._at.get(name, now)) / self.DECAY)
        found = seconds if seconds > before else before * weight + seconds * (1 - weight)
        self._seconds[name], self._at[name] = found, now
        return found

    def _load(self, name: str, now: float) -> float:
        seconds, pending = self._observe(name, 0.0, now), self._pending.get(name, 0)
        return self.PENALTY + pending if not seconds and pending else seconds * (pending + 1)


class MeanOfTen:
    """Lowest latency, as LiteLLM 1.110.2 has it (router_strategy/lowest_latency.py, its defaults).

    The least mean of the last ten of seconds / tokens of the answer; 0 for a provider that has answered nothing yet.
    Equal ones at random. A failure teaches nothing. Here no update is ever lost.
    """

    KEPT = 10

    def __init__(self, random: Random) -> None:
        self._random = random
        self._samples: dict[str, list[float]] = {}

    def order(self, request: Request, providers: Sequence[str], now: float) -> list[str]:
        """Returns them by their means."""
        return sorted(self._random.sample(list(providers), len(providers)), key=self._mean)

    def began(self, provider: str, now: float) -> None:
        """Learns nothing."""

    def ended(self, provider: str, now: float, seconds: float, request: Request, *, failed: bool) -> None:
        """Learns the seconds of an answer."""
        if not failed:
            samples = self._samples.setdefault(provider, [])
            samples.append(seconds / request.answer)
            del samples[: -self.KEPT]

    def _mean(self, name: str) -> float:
        samples = self._samples.get(name)
        return sum(samples) / len(samples) if samples else 0.0


class Oracle:
    """Knows how every provider is, how many wait there and how long the answer becomes; not what chance brings."""

    def __init__(self, upstreams: Mapping[str, Upstream], queues: Mapping[str, Queue], second_usd: float) -> None:
        self._upstreams, self._queues, self._second_usd = upstreams, queues, second_usd

    def order(self, request: Request, providers: Sequence[str], now: float) -> list[str]:
        """Returns them by what an answer is expected to cost, failures and waiting included."""
        answered = {name: self._answered(request, name, now) for name in providers}

        def expected(name: str) -> float:
            failing = self._upstreams[name].sickness(now).failing
            if not failing:
                return answered[name]
            # A call breaks off in its middle, and the next provider is asked.
            others = min((each for other, each in answered.items() if other != name), default=answered[name])
            return (1 - failing) * answered[name] + failing * (answered[name] / 2 + others)

        return sorted(providers, key=expected)

    def began(self, provider: str, now: float) -> None:
        """Has nothing to learn."""

    def ended(self, provider: str, now: float, seconds: float, request: Request, *, failed: bool) -> None:
        """Has nothing to learn."""

    def _answered(self, request: Request, name: str, now: float) -> float:
        begins = self._queues[name].begins(now)
        seconds, usd = self._upstreams[name].expected(request.prompt, request.answer, begins)
        return usd + self._second_usd * (begins - now + seconds)
