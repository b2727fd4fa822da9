"""Page 2: one completion as a waterfall of queue, attempts, backoff and parking; never its prompt or its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.settings import Settings
from worker.store.store import Store
from worker.task.dead_letters import find
from worker.task.timeline import Span
from worker.telemetry.explanation import explanation

WIDTH = 1_000
"""Units of the time axis."""

LEAST = 3
"""Units of the shortest bar: what took no time can be seen too."""

_SHOWN = ("provider", "model", "outcome", "status", "reason", "cause", "first_token_ms", "tokens", "cost_usd", "billed")


def completion(settings: Settings, store: Store, task_id: str) -> dict[str, Any]:
    """Returns what `fallback explain --json` does, with the bars of `rows` on an axis of `length` seconds.

    `refused` is class and message of one that failed before a worker began it.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = explanation(store, settings.chains, task_id)
    letter = find(store, task_id) if found.history.state == "unknown" else None
    known = {name: value for name, value in found.as_json().items() if name not in ("spans", "before")}
    begin, end = _axis(found.spans, found.history.now)
    return {
        **known,
        "task": task_id,
        "refused": [letter.error, letter.message] if letter else None,
        "length": end - begin,
        "rows": [_row(span, begin, end) for span in found.spans],
        "before": [_named(span.fields) for span in found.before],
        "duplicates": sum(span.kind == "duplicate" for span in found.spans),
    }


def _axis(spans: Sequence[Span], now: float) -> tuple[float, float]:
    """Returns begin and end of the time axis: all spans, those that last until now."""
    if not spans:
        return now, now
    begin = min(span.start for span in spans)
    return begin, max(begin + 0.001, *(now if span.end is None else span.end for span in spans))


def _row(span: Span, begin: float, end: float) -> dict[str, Any]:
    """Returns a span with the place of its bar; one without an end lasts to the end of the axis."""
    until = end if span.end is None else span.end
    at = round(WIDTH * (span.start - begin) / (end - begin))
    width = max(LEAST, round(WIDTH * (until - span.start) / (end - begin)))
    return {
        "kind": span.kind,
        "after": span.start - begin,
        "length": None if span.kind == "skipped" else until - span.start,
        "lasts": span.end is None,
        "at": min(at, WIDTH - LEAST),
        "width": width,
        **_named(span.fields),
    }


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields.get(name) for name in _SHOWN}
