"""Builds the report of a completion: `fallback` of a result."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from config.outcomes import Outcome
from worker.chain.delivery import Delivery
from worker.result import Answer, completion
from worker.task.journal import Entry, fields

_DIGITS = 12
"""Decimals of a sum, so that it does not show the last bits of the numbers that were added."""


def result(
    delivery: Delivery, provider: str, answer: Answer, considered: Sequence[Entry], first: float, now: float
) -> dict[str, Any]:
    """Returns the result of an answered completion.

    Args:
        delivery: the answered delivery.
        provider: the one that answered.
        answer: its answer.
        considered: every provider considered.
        first: epoch in seconds of the first delivery.
        now: epoch in seconds.
    """
    queued = delivery.queued_at
    return completion(
        answer,
        now,
        {
            "provider": provider,
            "chain": delivery.route.chain.name,
            "attempts": [fields(entry) for entry in considered],
            "cost_usd": total(considered),
            "wasted_usd": total(entry for entry in considered if entry.outcome != Outcome.SUCCESS),
            "queued_ms": None if queued is None else round(max(0.0, first - queued) * 1000, 1),
            "elapsed_ms": round((now - (queued or first)) * 1000, 1),
        },
    )


def total(attempts: Iterable[Entry]) -> float | None:
    """Returns the USD of attempts, without those of which no tokens were told.

    None: the price of one is unknown, or one was answered and its tokens are unknown.
    """
    costs = [each.cost_usd for each in attempts if each.tokens or each.outcome == Outcome.SUCCESS]
    known = [each for each in costs if each is not None]
    return round(sum(known), _DIGITS) if len(known) == len(costs) else None


def cost_line(entry: Entry) -> str:
    """Returns the cost of the answered attempt as a line of JSON; it is stored if the answer is a duplicate."""
    names = ("provider", "model", "at", "latency_ms", "tokens", "cost_usd")
    return json.dumps({name: getattr(entry, name) for name in names})
