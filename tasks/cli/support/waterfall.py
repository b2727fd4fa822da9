"""A completion's spans as lines of text with bars on one time axis."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from tasks.cli.support.usd import perhaps, usd
from worker.diagnosis.durations import span
from worker.task.timeline import Kind, Span

_WIDTH = 24
_INK: dict[Kind, str] = {"attempt": "#", "duplicate": "#", "skipped": "|", "backoff": "."}
"""What a bar is drawn with; a wait for Redis or a worker with `-`."""


def waterfall(spans: Sequence[Span], now: float) -> Iterator[str]:
    """Yields the time at which the axis begins, and a line per span: start, length, bar, and what it was.

    Args:
        spans: by their start; at least one.
        now: the end of a span that lasts, an epoch in seconds.
    """
    start = spans[0].start
    end = max(now if _lasts(each) else each.end or each.start for each in spans)
    yield f"from {instant(start)}, over {end - start:.2f} s:"
    rows = [(_seconds(each.start - start), _length(each, now), _bar(each, start, end, now)) for each in spans]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    for (at, length, bar), each in zip(rows, spans, strict=True):
        yield f"{at:>{widths[0]}} {length:>{widths[1]}} [{bar}] {_text(each)}"


def moment(each: Span) -> str:
    """Returns a span as a line without a bar, as of what came before a replay."""
    length = () if each.end is None or each.end == each.start else (_length(each, each.end),)
    return " ".join((instant(each.start), *length, _text(each)))


def _lasts(each: Span) -> bool:
    return each.end is None and each.kind != "duplicate" and each.fields.get("outcome") is None


def _bar(each: Span, start: float, end: float, now: float) -> str:
    scale = _WIDTH / (end - start) if end > start else 0.0
    ends = now if _lasts(each) else each.end or each.start
    first = min(int((each.start - start) * scale), _WIDTH - 1)
    length = max(1, round((ends - start) * scale) - first)
    return (" " * first + _INK.get(each.kind, "-") * length).ljust(_WIDTH)[:_WIDTH]


def _length(each: Span, now: float) -> str:
    if each.kind == "skipped":
        return ""
    if each.end is None and not _lasts(each):
        return "?"
    return _seconds((now if each.end is None else each.end) - each.start)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _text(each: Span) -> str:
    words = {"attempt": _attempt, "duplicate": _duplicate, "skipped": _skipped}.get(each.kind, _wait)(each)
    return ", ".join([*words, "so far"] if _lasts(each) else words)


def _wait(each: Span) -> list[str]:
    return [each.kind]


def _skipped(each: Span) -> list[str]:
    of = each.fields
    cause = f" ({quoted(of['cause'])})" if "cause" in of else ""
    words = [f"{of['provider']} skipped: {quoted(of['reason'])}{cause}"]
    return [*words, f"{span(of['until'] - each.start)} left"] if of.get("until", 0.0) > each.start else words


def _attempt(each: Span) -> list[str]:
    of = each.fields
    head = (of["provider"], of.get("model"), of.get("outcome"), of.get("status"))
    words = [" ".join(str(word) for word in head if word is not None)]
    if "first_token_ms" in of:
        words.append(f"first token {_seconds(of['first_token_ms'] / 1000)}")
    words += _bought(of)
    return [*words, quoted(of["reason"])] if "reason" in of else words


def _duplicate(each: Span) -> list[str]:
    of = each.fields
    return [f"{of['provider']} {of['model']} duplicate answer", *(_bought(of) or ["an unknown price"])]


def _bought(of: Any) -> list[str]:
    """Returns the tokens and what they cost, as far as they are known."""
    tokens = of.get("tokens")
    words = [f"{tokens['prompt']} + {tokens['completion']} tokens"] if tokens else []
    price = usd(of.get("cost_usd")) if of.get("billed") is None else perhaps(of.get("cost_usd"))
    return [*words, price] if price else words
