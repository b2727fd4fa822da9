"""What an operator wants to know of one completion: its state, its times and its providers. No request waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.chains import Chain
from worker.store.store import Store
from worker.task.inspection import History, history
from worker.task.timeline import Span, earlier, timeline
from worker.telemetry.events import Event, between

_BEFORE = 7200.0
"""Seconds before the first attempt whose events are read: twice the longest time that a breaker opens by itself."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One completion, as `fallback explain` and its page show it.

    Attributes:
        history: what is known of it.
        spans: since its last replay, by their start.
        before: the attempts and skipped providers before that replay.
    """

    history: History
    spans: tuple[Span, ...]
    before: tuple[Span, ...]

    @property
    def remaining(self) -> float | None:
        """Returns the seconds that its deadline left when it ended, or leaves now; None if they are not known."""
        found = self.history
        return found.deadline - (found.ended or found.now) if found.deadline else None

    @property
    def elapsed(self) -> float | None:
        """Returns the seconds from queueing, or from the first delivery, to its end or to now; None before both."""
        found = self.history
        start = found.about.queued_at or found.first
        return (found.ended or found.now) - start if start and found.first else None

    @property
    def cost_usd(self) -> float:
        """Returns the known USD of all attempts, those before a replay and duplicate answers too."""
        costs = [float(span.fields.get("cost_usd", 0.0)) for span in (*self.before, *self.spans)]
        return round(sum(costs), 12)

    def as_json(self) -> dict[str, Any]:
        """Returns it as JSON values, see docs/how-to/respond-to-an-alert.md; instants are epochs in seconds."""
        found = self.history
        error, message = found.failure or (None, None)
        return {
            "state": found.state,
            "time": found.now,
            "chain": found.chain or None,
            "provider": found.report.get("provider"),
            "error": error,
            "message": message,
            "queued_at": found.about.queued_at or None,
            "first_delivered_at": found.first or None,
            "due_at": found.due or None,
            "ended_at": found.ended or None,
            "deadline_at": found.deadline or None,
            "remaining_s": self.remaining,
            "elapsed_s": self.elapsed,
            "cost_usd": self.cost_usd,
            "spans": list(map(_span, self.spans)),
            "before": list(map(_span, self.before)),
        }


def explanation(store: Store, chains: Mapping[str, Chain], task_id: str) -> Explanation:
    """Returns what is known of a task.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = history(store, task_id)
    chain = chains.get(found.chain)
    spans = timeline(found, chain.providers if chain else (), _events(store, found))
    return Explanation(found, tuple(spans), tuple(earlier(found)))


def _events(store: Store, found: History) -> list[Event]:
    """Returns the events of its time and of the hours before, the newest first: they say why breakers were open."""
    considered = found.entries
    if not considered:
        return []
    last = max(entry.at + (entry.latency_ms or 0.0) / 1000 for entry in considered)
    return between(store, max(considered[0].at - _BEFORE, 0.0), last + 1)


def _span(span: Span) -> dict[str, Any]:
    return {"kind": span.kind, "start": span.start, "end": span.end, **span.fields}
