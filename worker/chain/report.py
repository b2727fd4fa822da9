"""Builds the report of a completion: `fallback` of a result."""

import json
from collections.abc import Iterable
from typing import Any

from worker.chain.delivery import Delivery
from worker.cost import cost
from worker.result import Answer, completion
from worker.task.journal import Entry, fields


def result(
    delivery: Delivery, provider: str, answer: Answer, considered: Iterable[Entry], first: float, now: float
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
            "cost_usd": cost(delivery.route.providers[provider].model(delivery.request.model), answer.usage),
            "queued_ms": None if queued is None else round(max(0.0, first - queued) * 1000, 1),
            "elapsed_ms": round((now - (queued or first)) * 1000, 1),
        },
    )


def cost_line(entry: Entry, result: dict[str, Any]) -> str:
    """Returns the cost of the answered attempt as a line of JSON; it is stored if the answer is a duplicate."""
    attempt = {name: getattr(entry, name) for name in ("provider", "model", "at", "latency_ms")}
    return json.dumps({**attempt, "cost_usd": result["fallback"]["cost_usd"]})
