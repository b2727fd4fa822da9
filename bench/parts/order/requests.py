"""The completions of one run: when they arrive, how long they are, and what chance makes of them at each provider."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bench.parts.order.upstreams import Luck

PROMPT, ANSWER = 800, 300
"""Median tokens."""

PROMPT_SIGMA, ANSWER_SIGMA = 0.7, 0.5
LONGEST_ANSWER = 2000


@dataclass(frozen=True)
class Request:
    """One completion: the second at which it arrives, tokens of its prompt and its answer, its luck by provider."""

    at: float
    prompt: int
    answer: int
    luck: dict[str, Luck]


def arrivals(rng: Generator, seconds: float, rate: float, bursts: Sequence[float] = (), size: int = 0) -> list[float]:
    """Returns times at random, so many a second, and `size` of them at once at each of `bursts`."""
    count = rng.poisson(seconds * rate)
    return sorted([*rng.uniform(0, seconds, count).tolist(), *(at for at in bursts for _ in range(size))])


def drawn(rng: Generator, times: Sequence[float], providers: Sequence[str]) -> list[Request]:
    """Returns a completion for each time. Every policy meets the same ones, with the same luck."""
    n, several = len(times), len(providers)
    prompts = np.rint(PROMPT * np.exp(PROMPT_SIGMA * rng.standard_normal(n))).astype(int)
    answers = np.rint(np.clip(ANSWER * np.exp(ANSWER_SIGMA * rng.standard_normal(n)), 1, LONGEST_ANSWER)).astype(int)
    normal, uniform = rng.standard_normal((n, several, 2)).tolist(), rng.random((n, several, 2)).tolist()
    return [
        Request(
            at,
            max(1, int(prompts[i])),
            int(answers[i]),
            {name: Luck(*normal[i][p], *uniform[i][p]) for p, name in enumerate(providers)},
        )
        for i, at in enumerate(times)
    ]
