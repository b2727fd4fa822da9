"""What the rules make of calls: how often they alarm for nothing, and how soon once something has changed."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy import ndarray
from numpy.random import Generator, default_rng

from bench.parts.detectors import noise
from bench.parts.detectors.alarms import FAILURE_RULES, LATENCY_RULES, Alarms, Detectors
from bench.parts.detectors.noise import Noise

CALLS = 10_000
"""Of a run without a change, after its baseline was learned."""

AFTER = 400
"""Calls after a change within which an alarm is waited for."""

BATCH = 50
"""Runs that are drawn at once."""


@dataclass(frozen=True)
class FalseAlarms:
    """Of one rule without a change: alarms in each run's `CALLS`, and while it learned the baseline before them."""

    per_run: tuple[int, ...]
    learning: float

    @property
    def rate(self) -> float:
        """Alarms per 10,000 calls."""
        return float(np.mean(self.per_run))

    @property
    def margin(self) -> float:
        """Half of the 95 % interval; without an alarm its upper end."""
        runs = len(self.per_run)
        return 1.96 * float(np.std(self.per_run)) / runs**0.5 if any(self.per_run) else 3 / runs


@dataclass(frozen=True)
class Delays:
    """Of one rule: calls from the change to the alarm, in order; infinite where there was none in `AFTER`."""

    calls: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Returns the calls within which this share of the runs alarmed."""
        return self.calls[math.ceil(share * len(self.calls)) - 1]

    def share(self, calls: float) -> float:
        """Returns the share of the runs that alarmed within so many calls."""
        return sum(waited <= calls for waited in self.calls) / len(self.calls)


@dataclass(frozen=True)
class Simulation:
    """So many runs of each scenario, whose draws follow from the seed and its name alone."""

    detectors: Detectors
    runs: int
    seed: int

    def failing(self, share: float, learned: int) -> dict[str, FalseAlarms]:
        """Returns what each rule makes of a provider of which this share of calls always fails."""
        drawn = self._drawn(f"{share}", lambda rng, runs: noise.failures(rng, runs, learned + CALLS, share))
        return _false(FAILURE_RULES, self._each(self.detectors.of_failures, drawn), learned)

    def failing_more(self, before: float, after: float, learned: int) -> dict[str, Delays]:
        """Returns how soon each rule alarms once a larger share of calls fails than that of which it learned."""

        def draw(rng: Generator, runs: int) -> ndarray:
            parts = (noise.failures(rng, runs, *part) for part in ((learned, before), (AFTER, after)))
            return np.hstack(tuple(parts))

        drawn = self._drawn(f"{before} {after}", draw)
        return _delays(FAILURE_RULES, self._each(self.detectors.of_failures, drawn), learned)

    def steady(self, scatter: Noise, learned: int) -> dict[str, FalseAlarms]:
        """Returns what each rule makes of first tokens that only scatter."""
        drawn = self._drawn(scatter.name, lambda rng, runs: scatter.first_tokens(rng, runs, learned + CALLS))
        return _false(LATENCY_RULES, self._each(self.detectors.of_latency, drawn), learned)

    def slower(self, scatter: Noise, times: float, learned: int) -> dict[str, Delays]:
        """Returns how soon each rule alarms once first tokens take several times as long."""
        factors = np.where(np.arange(learned + AFTER) < learned, 1.0, times)
        drawn = self._drawn(
            f"{scatter.name} {times}", lambda rng, runs: scatter.first_tokens(rng, runs, len(factors), factors)
        )
        return _delays(LATENCY_RULES, self._each(self.detectors.of_latency, drawn), learned)

    def slower_for_a_while(self, scatter: Noise, times: float, learned: int) -> dict[str, Delays]:
        """Returns how soon each rule says something once first tokens are as usual again, after `AFTER` slower ones."""
        end, calls = learned + AFTER, np.arange(learned + 2 * AFTER)
        factors = np.where((calls < learned) | (calls >= end), 1.0, times)
        drawn = self._drawn(
            f"{scatter.name} {times} again", lambda rng, runs: scatter.first_tokens(rng, runs, len(factors), factors)
        )
        return _delays(LATENCY_RULES, self._each(self.detectors.of_latency, drawn), end)

    def _drawn(self, name: str, draw: Callable[[Generator, int], ndarray]) -> Iterator[ndarray]:
        rng = default_rng([self.seed, crc32(name.encode())])
        for begin in range(0, self.runs, BATCH):
            yield draw(rng, min(BATCH, self.runs - begin))

    def _each(self, alarms: Callable[[ndarray], Iterator[Alarms]], batches: Iterable[ndarray]) -> list[Alarms]:
        return [found for batch in batches for found in alarms(batch)]


def _false(rules: tuple[str, ...], runs: list[Alarms], learned: int) -> dict[str, FalseAlarms]:
    return {
        rule: FalseAlarms(
            tuple(sum(call > learned for call in run[i]) for run in runs),
            float(np.mean([sum(call <= learned for call in run[i]) for run in runs])),
        )
        for i, rule in enumerate(rules)
    }


def _delays(rules: tuple[str, ...], runs: list[Alarms], learned: int) -> dict[str, Delays]:
    return {
        rule: Delays(tuple(sorted(min((c - learned for c in run[i] if c > learned), default=math.inf) for run in runs)))
        for i, rule in enumerate(rules)
    }
