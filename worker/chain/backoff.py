"""Computes the delay before a retry."""

import random
from collections.abc import Callable

from config.chains import Retry


def delay(retry: Retry, n: int, retry_after: float | None, draw: Callable[[], float] = random.random) -> float:
    """Returns the seconds before retry `n`, counted from 1.

    Half jitter: between half and all of min(max_backoff, initial_backoff * multiplier^(n-1)). `draw` returns 0 for half
    and 1 for all. A longer `retry_after` replaces it, also above `max_backoff`.
    """
    jittered = _without_jitter(retry, n) * (0.5 + draw() / 2)
    return jittered if retry_after is None else max(jittered, retry_after)


def _without_jitter(retry: Retry, n: int) -> float:
    try:
        return min(retry.max_backoff, retry.initial_backoff * retry.multiplier ** (n - 1))
    except OverflowError:
        return retry.max_backoff
