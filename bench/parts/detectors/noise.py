"""Calls as one provider might see them: which fail, and how long their first tokens take. A row is a run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.random import Generator

USUAL_MS = 400
LATEST_MS = 30_000
"""After which a provider is given up, by default."""

DAY = 2000
"""Calls in a day."""


def failures(rng: Generator, runs: int, calls: int, share: float) -> ndarray:
    """Returns for each call whether it failed; each is drawn by itself."""
    return rng.random((runs, calls)) < share


@dataclass(frozen=True)
class Noise:
    """How first tokens scatter: `drawn` gives the logs of their times over the usual one."""

    name: str
    drawn: Callable[[Generator, int, int], ndarray]

    def first_tokens(self, rng: Generator, runs: int, calls: int, slower: float | ndarray = 1.0) -> ndarray:
        """Returns the times in whole ms, as the breaker takes them."""
        with np.errstate(over="ignore"):
            times = USUAL_MS * slower * np.exp(self.drawn(rng, runs, calls))
        return np.rint(np.clip(times, 1, LATEST_MS)).astype(np.int64)


def normal(sigma: float) -> Noise:
    """Returns times that are log-normal, with this standard deviation of the log."""
    return Noise(f"log-normal, sigma {sigma:g}", lambda rng, *size: sigma * rng.standard_normal(size))


def heavy_tailed(sigma: float) -> Noise:
    """Returns times whose log follows Student's t with 3 degrees of freedom, with this standard deviation."""
    return Noise(f"Student's t, sigma {sigma:g}", lambda rng, *size: sigma * rng.standard_t(3, size) / 3**0.5)


def mixed(sigma: float, times: float) -> Noise:
    """Returns log-normal times of which one in ten, say without a cache, takes `times` as long."""

    def drawn(rng: Generator, *size: int) -> ndarray:
        return sigma * rng.standard_normal(size) + np.log(times) * (rng.random(size) < 0.1)

    return Noise(f"sigma {sigma:g}, 1 in 10 x{times:g}", drawn)


def in_bursts(sigma: float, kept: float) -> Noise:
    """Returns log-normal times, each of which correlates with the one before (`kept`)."""

    def drawn(rng: Generator, *size: int) -> ndarray:
        logs = sigma * rng.standard_normal(size)
        for call in range(1, size[1]):
            logs[:, call] = kept * logs[:, call - 1] + (1 - kept**2) ** 0.5 * logs[:, call]
        return logs

    return Noise(f"sigma {sigma:g}, in bursts ({kept:g})", drawn)


def through_days(sigma: float, times: float) -> Noise:
    """Returns log-normal times that are `times` as long at noon as at night; a run begins at any hour."""

    def drawn(rng: Generator, *size: int) -> ndarray:
        hours = np.arange(size[1]) / DAY + rng.random((size[0], 1))
        return sigma * rng.standard_normal(size) + np.log(times) / 2 * np.sin(2 * np.pi * hours)

    return Noise(f"sigma {sigma:g}, noon x{times:g}", drawn)


SPREADS = tuple(map(normal, (0.1, 0.25, 0.5, 0.8, 1.0)))
HARDER = (heavy_tailed(0.5), mixed(0.25, 5), through_days(0.25, 2), in_bursts(0.5, 0.3), in_bursts(0.5, 0.6))
