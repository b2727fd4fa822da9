"""The two detectors in plain Python: cumulative sums, of log-likelihood ratios and of standard deviations."""

import math
from typing import Any

from config.breaker import Breaker
from tests.worker.admission.breaker_circuit import Circuit
from worker.admission.first_tokens import Lesson

Figures = dict[str, Any]

MILLION = 1_000_000


def suspect(c: Circuit, breaker: Breaker, failed: str | None) -> Figures | None:
    """Takes in a success, or the request that failed; returns the figures of an alarm."""
    if breaker.adaptive.failures == "off":
        return None
    p = min(0.25, max(0.01, c.failure_base / MILLION))
    q = min(0.6, max(3 * p, p + 0.15))
    ratio = q / p if failed is not None else (1 - q) / (1 - p)
    total = max(0.0, c.failure_sum / MILLION + math.log(ratio))
    share = 0.002 if len(c.ring) == 100 else 1 / (50 + len(c.ring))
    c.failure_base = stored(min(0.25, max(0.01, p + share * ((failed is not None) - p))))
    if failed is not None:
        c.blamed = (*c.blamed, failed)
    alarm = total > 7 and len(set(c.blamed)) > 1 and c.failed >= breaker.failure_threshold
    c.failure_sum = 0 if alarm else stored(min(total, 7))
    if c.failure_sum == 0:
        c.blamed = ()
    if not alarm:
        return None
    window = {"window_failed": c.failed, "window_count": len(c.ring)}
    return {"sum": f"{total:.4f}", "limit": 7, "baseline": f"{p:.4f}", **window}


def linger(c: Circuit, breaker: Breaker, first_token: int) -> Figures | None:
    """Takes in one time to first token in ms; returns the figures of an alarm."""
    if breaker.adaptive.latency == "off":
        return None
    mean, variance, x = c.latency_mean / MILLION, c.latency_variance / MILLION, math.log(first_token)
    if c.latency_count < 50:
        c.latency_count += 1
        n = c.latency_count
        c.latency_mean = stored(mean + (x - mean) / n)
        c.latency_variance = stored((1 - 1 / n) * (variance + (x - mean) ** 2 / n))
        return None
    sigma = math.sqrt(max(variance, 0.01))
    z = min(3.0, max(-3.0, (x - mean) / sigma))
    total = max(0.0, c.latency_sum / MILLION + z - 0.75)
    c.latency_mean = stored(mean + 0.02 * z * sigma)
    c.latency_variance = stored(variance + 0.02 * ((z * sigma) ** 2 - variance))
    c.latency_sum = 0 if total > 6 else stored(total)
    if total <= 6:
        return None
    return {"sum": f"{total:.4f}", "limit": 6, "usual_ms": f"{math.exp(mean):.4f}", "first_token_ms": first_token}


def learn(c: Circuit, lesson: Lesson, first_token: int) -> None:
    """Takes in one time to first token, or one silence, in ms: a regression on the prompt's length, and its residuals.

    Of silences it takes one a second, and only those that are longer than a first token usually takes.
    """
    n, mx, my, vx, cov, var = c.usual[:1] + tuple(x / MILLION for x in c.usual[1:]) if c.usual else (0,) * 6
    silence = round(lesson.silence_ms)
    ms = first_token + silence
    if not ms:
        return
    dx = math.log(1 + lesson.tokens) - mx
    slope = max(0.0, min(1.0, cov / (vx + 0.1)))
    residual = math.log(ms) - my - slope * dx
    if n == 50:
        most = 3 * math.sqrt(max(var, 0.01))
        residual = max(-most, min(most, residual))
    if silence:
        if n < 50 or residual <= 0 or c.seen - c.censored_at < 1000:
            return
        c.censored_at = c.seen
    w = 0.02 if n == 50 else 1 / (n + 1)
    dy, kept = slope * dx + residual, 1 - w
    figures = (mx + w * dx, my + w * dy, kept * (vx + w * dx * dx), kept * (cov + w * dx * dy))
    c.usual = (min(int(n) + 1, 50), *map(stored, (*figures, kept * (var + w * residual * residual))))


def stored(value: float) -> int:
    """Returns a figure as it is kept, in whole millionths."""
    return math.floor(value * MILLION + 0.5)
