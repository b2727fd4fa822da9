"""The learned limit of the time to first token, from what lua/admission/first_tokens.lua learns; see there."""

import math
from dataclasses import dataclass

LEARNED = 50
"""First tokens before there is a limit."""

DEVIATIONS = 3.0
"""Of the residuals of ln(ms), above what is usual: 1 first token of 740 comes later."""

SHORTEST = 2.0
"""Seconds that a limit has at least."""

_MILLION = 1e6
_LEAST_VARIANCE, _FLAT = 0.01, 0.1  # as in the script


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an attempt teaches of first tokens, beside the time of its own.

    Attributes:
        tier: the model's.
        tokens: an estimate of the prompt's length.
        silence_ms: how long the attempt lasted if it ended in silence, before any token; else 0.
    """

    tier: str
    tokens: int
    silence_ms: float = 0

    def __str__(self) -> str:
        """Returns it as the script takes it, behind the time to first token."""
        return f" {self.tier} {self.tokens} {self.silence_ms:.0f}"


def limit(figures: str, tokens: int) -> float | None:
    """Returns the seconds within which a first token is to be expected, None until enough is known.

    Args:
        figures: the six numbers of the tier, empty if nothing was learned.
        tokens: an estimate of the prompt's length.
    """
    count, *learned = map(int, figures.split()) if figures else (0,)
    if count < LEARNED:
        return None
    mean_x, mean_y, variance_x, covariance, variance = (each / _MILLION for each in learned)
    slope = max(0.0, min(1.0, covariance / (variance_x + _FLAT)))
    usual = mean_y + slope * (math.log(1 + tokens) - mean_x)
    deviation = math.sqrt(max(variance, _LEAST_VARIANCE))
    return max(SHORTEST, math.exp(min(usual + DEVIATIONS * deviation, 20.0)) / 1000)
