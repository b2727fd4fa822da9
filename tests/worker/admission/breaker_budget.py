"""The retry budget in plain Python: sums of calls and of retries that fade within a minute."""

import math

from config.breaker import Breaker
from tests.worker.admission.breaker_circuit import Circuit

ONE, WINDOW = 1_000_000, 60_000


def spend(c: Circuit, *, calls: int = 0, retries: int = 0) -> None:
    """Takes in calls and granted retries at the time last seen."""
    was = faded(c)
    added = zip(was, (calls, retries), strict=True)
    c.budget_calls, c.budget_retries = (math.floor(old + new * ONE + 0.5) for old, new in added)
    c.budget_at = c.seen


def postponed(c: Circuit, breaker: Breaker) -> int | None:
    """Returns when a retry is due, None for now."""
    calls, retries = faded(c)
    budget = breaker.retry_budget
    limit = max(budget.min_per_minute * ONE, budget.share * calls)
    if c.override == "closed" or budget.share == 1 or retries < limit:
        return None
    return c.seen + max(1000, math.floor(WINDOW * math.log(retries / limit)) + 1)


def faded(c: Circuit) -> tuple[float, float]:
    """Returns both sums as they are now."""
    kept = math.exp((c.budget_at - c.seen) / WINDOW)
    return c.budget_calls * kept, c.budget_retries * kept
