"""The long baseline in plain Python: what is usual over hours, and since when it is far slower."""

import math
from typing import Any

from config.breaker import Breaker
from tests.worker.admission.breaker_circuit import Circuit
from tests.worker.admission.breaker_detectors import MILLION

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


def drift(c: Circuit, breaker: Breaker, first_token: int) -> tuple[str, dict[str, Any]] | None:
    """Takes in the mean of the first tokens, at the time last seen; returns a type of event and its figures."""
    if breaker.adaptive.latency == "off":
        c.slow_since = 0
    if breaker.adaptive.latency == "off" or first_token < 1 or c.latency_count < 50:
        return None
    ratio = math.exp((c.latency_mean - c.usual_mean) / MILLION)
    now, usual = (f"{math.exp(mean / MILLION):.4f}" for mean in (c.latency_mean, c.usual_mean))
    figures: dict[str, Any] = {"first_token_ms": now, "usual_ms": usual}
    if c.slow_since:
        return _end(c, ratio, figures)
    if ratio >= 2 and c.usual_age >= 10 * MINUTE:
        c.slow_since = c.seen
        return "slow-began", figures
    step = min(MINUTE, c.seen - c.usual_at)
    if step >= 10 * SECOND:
        c.usual_age = min(6 * HOUR, c.usual_age + step)
        share = step / c.usual_age
        c.usual_mean = math.floor(c.usual_mean + share * (c.latency_mean - c.usual_mean) + 0.5)
        c.usual_at = c.seen
    return None


def _end(c: Circuit, ratio: float, figures: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    since, lasting = c.slow_since, c.seen >= c.slow_since + 24 * HOUR
    if ratio >= 1.5 and not lasting:
        return None
    c.slow_since = 0
    if lasting:
        c.usual_mean = c.latency_mean
    return "slow-ended", figures | {"cause": "recovered" if ratio < 1.5 else "usual-now", "since_ms": since}
