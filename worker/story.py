"""How a completion came about: the result's `attempts`, and the one message of a failure."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from config.chains import Chain
from config.outcomes import Outcome
from worker.call import Call
from worker.errors import (
    ChainExhausted,
    ContentRefused,
    DeadlineExceeded,
    InvalidRequest,
    PoisonRequest,
    TaskFailed,
)
from worker.journal import PASSED_OVER, Entry, Line, fields
from worker.result import Answer, completion, cost
from worker.route import INCAPABLE, NOT_CONFIGURED


def entries(lines: Iterable[Line]) -> list[Entry]:
    """Returns the providers considered, in order."""
    return [line for line in lines if isinstance(line, Entry)]


def considered(lines: Iterable[Line], lost: Sequence[Entry]) -> list[Entry]:
    """Returns the providers considered with the attempts that were lost with their workers, in the order of time."""
    return sorted((*lost, *entries(lines)), key=lambda entry: entry.at) if lost else entries(lines)


def result(
    call: Call, provider: str, answer: Answer, told: Iterable[Entry], first: float, now: float
) -> dict[str, Any]:
    """Returns what the producer gets of an answered completion.

    Args:
        call: the delivery that was answered.
        provider: who answered.
        answer: the answer.
        told: the providers considered.
        first: when it was first delivered, epoch in seconds.
        now: epoch in seconds.
    """
    queued = call.queued_at
    return completion(
        answer,
        now,
        {
            "provider": provider,
            "chain": call.route.chain.name,
            "attempts": [fields(entry) for entry in told],
            "cost_usd": cost(call.route.providers[provider].model(call.request.model), answer.usage),
            "queued_ms": None if queued is None else round(max(0.0, first - queued) * 1000, 1),
            "elapsed_ms": round((now - (queued or first)) * 1000, 1),
        },
    )


def news(lines: Iterable[Line], entry: Entry) -> bool:
    """Tells whether a provider passed over is not yet told of, with this reason, since it was last asked."""
    last = next((e for e in reversed(entries(lines)) if e.provider == entry.provider), None)
    return last is None or (last.outcome, last.reason) != (entry.outcome, entry.reason)


def exhausted(chain: Chain, lines: Iterable[Line]) -> TaskFailed:
    """Returns the failure of a completion that no provider is left for; a refusal outweighs every other outcome."""
    if any(e.outcome == Outcome.REFUSED for e in entries(lines)):
        return ContentRefused(_said(entries(lines)))
    asked = [e for e in entries(lines) if e.outcome != PASSED_OVER]
    if asked and all(e.outcome == Outcome.INVALID for e in asked):
        return InvalidRequest(f"refused as invalid by {_said(asked)}")
    if not asked and _nobody_can(entries(lines)):
        return InvalidRequest(f"no provider of chain {chain.name!r} can take it: {_said(entries(lines))}")
    return ChainExhausted(f"chain {chain.name!r} is exhausted: {_said(entries(lines))}")


def _nobody_can(considered: Iterable[Entry]) -> bool:
    """Tells whether every provider that is configured lacks something: another day brings no answer either."""
    reasons = [str(entry.reason).partition(":")[0] for entry in considered]
    return INCAPABLE in reasons and set(reasons) <= {INCAPABLE, NOT_CONFIGURED}


def late(chain: Chain, lines: Iterable[Line]) -> TaskFailed:
    """Returns the failure of a completion whose time ran out."""
    considered = entries(lines)
    asked = any(entry.outcome != PASSED_OVER for entry in considered)
    said = "; ".join(filter(None, ("" if asked else "no provider was asked yet", _said(considered))))
    return DeadlineExceeded(f"the deadline passed on chain {chain.name!r}: {said}")


def spent(entry: Entry, result: dict[str, Any]) -> str:
    """Returns what the attempt that was answered took, as a line of JSON, for the case that it was in vain."""
    took = {name: getattr(entry, name) for name in ("provider", "model", "at", "latency_ms")}
    return json.dumps({**took, "cost_usd": result["fallback"]["cost_usd"]})


def poison(deaths: int, told: Iterable[Entry]) -> TaskFailed:
    """Returns the failure of a completion that so many workers died with."""
    return PoisonRequest(f"{deaths} workers died with it in hand: {_said(told) or 'no provider was asked'}")


def _said(considered: Iterable[Entry]) -> str:
    last: dict[str, Entry] = {}
    times: dict[str, int] = {}
    for entry in considered:
        last[entry.provider] = entry
        times[entry.provider] = times.get(entry.provider, 0) + (entry.outcome != PASSED_OVER)
    return "; ".join(_line(e) + (f" ({times[p]} attempts)" if times[p] > 1 else "") for p, e in last.items())


def _line(entry: Entry) -> str:
    if entry.outcome == PASSED_OVER:
        return f"{entry.provider}: passed over, {entry.reason}"
    status = f" {entry.status}" if entry.status else ""
    return f"{entry.provider}: {entry.outcome}{status}" + (f", {entry.reason}" if entry.reason else "")
