"""Lays out one completion in time: how long it was queued, asked, backed off and was parked, and who was skipped."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

from config.outcomes import Outcome
from worker.task.inspection import History
from worker.task.journal import CRASHED, SKIPPED, Entry, Line, RoundStart, fields

Kind = Literal["scheduled", "queue", "attempt", "skipped", "backoff", "parked", "duplicate"]

SHORT = 0.05
"""Seconds: a shorter gap is the worker's own time between two steps, and no span."""

_SAME = 1.0
"""Seconds between an attempt's end and its event, at most: the first is measured by the worker, the second by Redis."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a completion's time.

    | kind | meaning | fields |
    |---|---|---|
    | `scheduled` | it is not due yet | |
    | `queue` | its message waited in the queue | |
    | `attempt` | a provider was asked | all of `journal.Entry` but `at` |
    | `skipped` | a provider was not asked; no length | `provider`, `reason`, `until`, and `cause` where it is known |
    | `backoff` | it waited for a retry, or for the next round | |
    | `parked` | it waited until a provider admits | |
    | `duplicate` | an attempt answered after the outcome was stored | `provider`, `model`, `tokens`, `cost_usd` |

    Attributes:
        kind: as above.
        start: epoch in seconds.
        end: epoch in seconds, None while it lasts or if it is not known.
        fields: by name, without those that are not known. Never of the prompt or the answer.
    """

    kind: Kind
    start: float
    end: float | None
    fields: Mapping[str, Any] = field(default_factory=dict)


def timeline(found: History, order: Sequence[str] = (), events: Iterable[Mapping[str, str]] = ()) -> list[Span]:
    """Returns the spans of a completion since its last replay, by their start.

    Args:
        found: what is known of it.
        order: the providers of its chain: those skipped at one moment are in this order.
        events: of the fleet, the newest first; they say why a breaker was open, and how long a backoff was planned.
    """
    known = list(events)
    spans = [*_waits_before(found), *_of_lines(found, order, known)]
    spans += (_duplicate(each) for each in found.duplicates)
    return sorted(spans, key=lambda span: span.start)


def earlier(found: History) -> list[Span]:
    """Returns the attempts and skipped providers before the last replay."""
    return [_of_entry(entry, None) for entry in found.before]


def _waits_before(found: History) -> Iterator[Span]:
    """Yields the wait in the schedule that still lasts, and the one in the queue before the first delivery."""
    if found.state == "scheduled":
        yield Span("scheduled", found.now, found.due)
    queued = found.about.queued_at
    if queued and found.first - queued > SHORT:
        yield Span("queue", queued, found.first)


def _of_lines(found: History, order: Sequence[str], events: Sequence[Mapping[str, str]]) -> Iterator[Span]:
    """Yields a span for each provider considered, and for each gap between two of them."""
    since, before = found.first, list[Line]()
    lines = _in_order(found, order)
    for i, line in enumerate(lines):
        if isinstance(line, RoundStart):
            before.append(line)
            continue
        if since:
            yield from _gap(since, line.at, before, events)
        following = next((each.at for each in lines[i + 1 :] if isinstance(each, Entry)), None)
        span = _of_entry(line, following)
        yield _with_cause(span, events) if span.kind == "skipped" else span
        since = max(since, span.end or following or line.at)
        before.append(line)
    yield from _last(found, since, before, events)


def _last(found: History, since: float, before: Sequence[Line], events: Sequence[Mapping[str, str]]) -> Iterator[Span]:
    """Yields what comes after the last line: a wait that lasts, or the attempt that is made now."""
    for entry in found.asking:
        yield from _gap(since, entry.at, before, events)
        yield Span("attempt", entry.at, None, {"provider": entry.provider})
    match found.state:
        case "parked":
            yield Span("parked", found.paused or since, None)
        case "due":
            yield Span("backoff", found.paused or since, found.due)
        case "failed" if found.ended and since:
            yield from _gap(since, found.ended, before, events)


def _gap(start: float, end: float, before: Sequence[Line], events: Sequence[Mapping[str, str]]) -> Iterator[Span]:
    """Yields what filled the time between two lines of the journal, nothing if it is short.

    The journal has no line for it; its kind follows from the lines before it.
    """
    if end - start <= SHORT:
        return
    kind = _kind(before)
    planned = _countdown(start, before, events) if kind == "backoff" else None
    if planned is not None and end - start - planned > SHORT:  # its message was due, and waited for a worker
        yield Span("backoff", start, start + planned)
        yield Span("queue", start + planned, end)
        return
    yield Span(kind, start, end)


def _kind(before: Sequence[Line]) -> Kind:
    last = before[-1] if before else None
    asked = next((each for each in reversed(before) if isinstance(each, Entry)), None)
    if last is None or asked is None or asked.outcome in (Outcome.CUT_SHORT, CRASHED):
        return "queue"
    if isinstance(last, RoundStart):
        return "parked" if last.fresh or (asked.outcome == SKIPPED and not _was_asked(before)) else "backoff"
    return "parked" if last.outcome == SKIPPED and last.reason != "bulkhead" else "backoff"


def _was_asked(before: Sequence[Line]) -> bool:
    """Returns whether any provider was asked in the round that ended with the last line."""
    for line in reversed(before[:-1]):
        if isinstance(line, RoundStart):
            return False
        if line.outcome != SKIPPED:
            return True
    return False


def _countdown(start: float, before: Sequence[Line], events: Sequence[Mapping[str, str]]) -> float | None:
    """Returns the planned seconds until the retry of an attempt that ended at `start`, None if they are not known."""
    last = before[-1]
    for event in events:
        if (
            event["type"] == "request-failure"
            and isinstance(last, Entry)
            and event["provider"] == last.provider
            and event["decision"] == "retry"
            and abs(_at(event) - start) < _SAME
        ):
            return int(event["countdown_ms"]) / 1000
    return None


def _in_order(found: History, order: Sequence[str]) -> list[Line]:
    """Returns the lines by time, and those skipped between two attempts in the chain's order."""
    places = {provider: place for place, provider in enumerate(order)}
    lines: list[Line] = list(found.lines)
    for crash in found.crashed:
        later = (i for i, each in enumerate(lines) if isinstance(each, Entry) and each.at > crash.at)
        lines.insert(next(later, len(lines)), crash)
    ordered: list[Line] = []
    for is_skipped, group in groupby(lines, key=lambda line: isinstance(line, Entry) and line.outcome == SKIPPED):
        run = list(group)
        ordered += _by_place([each for each in run if isinstance(each, Entry)], places) if is_skipped else run
    return ordered


def _by_place(skipped: Iterable[Entry], places: Mapping[str, int]) -> Iterator[Entry]:
    """Yields the skipped providers, those of one moment in the chain's order and with the same time."""
    moments: list[list[Entry]] = []
    for each in skipped:
        if moments and each.at - moments[-1][0].at <= SHORT:
            moments[-1].append(each)
        else:
            moments.append([each])
    for moment in moments:
        for each in sorted(moment, key=lambda entry: places.get(entry.provider, len(places))):
            yield replace(each, at=moment[0].at)


def _of_entry(entry: Entry, following: float | None) -> Span:
    """Returns the span of a provider considered; nobody knows when a worker died, but before the `following` line."""
    known = {name: value for name, value in fields(entry).items() if value is not None and name != "at"}
    if entry.outcome == SKIPPED:
        del known["outcome"]
        return Span("skipped", entry.at, entry.at, known)
    end = following if entry.latency_ms is None else entry.at + entry.latency_ms / 1000
    return Span("attempt", entry.at, end, known)


def _with_cause(span: Span, events: Sequence[Mapping[str, str]]) -> Span:
    """Adds the failure for which a breaker refused, such as `quota-exhausted 429`, if the events still have it."""
    wanted = _CAUSES.get(span.fields.get("reason", ""))
    of_provider = [
        each for each in events if each["provider"] == span.fields["provider"] and _at(each) <= span.start + SHORT
    ]
    change = next((each for each in of_provider if each["type"] == wanted), None)
    if wanted is None or change is None:
        return span
    failure = next((each for each in of_provider if _is_failure_of(each, change)), None)
    cause = failure["failure"] if failure else change.get("cause") or change.get("by")
    return Span(span.kind, span.start, span.end, {**span.fields, "cause": cause}) if cause else span


_CAUSES = {
    "open": "circuit-breaker-open",
    "half-open": "circuit-breaker-open",
    "authentication": "provider-auth-locked",
    "forced-open": "circuit-breaker-forced-open",
    "rate-limited": "request-failure",
}
"""The event that says why, by the reason for which a provider was skipped."""


def _is_failure_of(event: Mapping[str, str], change: Mapping[str, str]) -> bool:
    """Returns whether an event is the failure that made a change: one script wrote both."""
    return event["type"] == "request-failure" and event["at_ms"] == change["at_ms"]


def _duplicate(answer: Mapping[str, Any]) -> Span:
    known = {name: value for name, value in answer.items() if value is not None and name != "at"}
    latency = answer.get("latency_ms")
    return Span("duplicate", answer["at"], None if latency is None else answer["at"] + latency / 1000, known)


def _at(event: Mapping[str, str]) -> float:
    return int(event["at_ms"]) / 1000
