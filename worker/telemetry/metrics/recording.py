"""Counts attempts and completions, where the walk records them. A count costs microseconds and no round trip."""

import os
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from config.chains import Chain
from config.outcomes import Outcome
from worker.task.journal import Entry, Line, entries
from worker.telemetry.harmless import harmless
from worker.telemetry.metrics import instruments
from worker.telemetry.metrics.counts import Counts, Measurement

Observer = Callable[[Sequence[Measurement], Entry | None], None]
"""Called with what was measured, and the attempt that it is of, if it is of one."""

_REVOKED = "Revoked"


class Metrics:
    """What this process measures. What counts raises nothing: the `observer` is not all ours.

    Attributes:
        counts: since the last flush.
        observer: also gets each measurement; None unless this process exports its own.
        process: the id of this process.
        reported: whether it has said that it has calls in flight.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.forget()

    def forget(self) -> None:
        """Drops what a forked process has of its parent."""
        self.counts.forget()
        self.observer: Observer | None = None
        self.process, self.reported = uuid4().hex, False

    @harmless
    def attempt(self, chain: Chain, lines: Sequence[Line]) -> None:
        """Counts the attempt that is the last line of its journal."""
        entry = lines[-1]
        if isinstance(entry, Entry):
            self._add([*_of_attempt(entry, chain.name), *_turn(entry, entries(lines[:-1]))], entry)

    @harmless
    def duplicate(self, chain: Chain, lines: Sequence[Line]) -> None:
        """Counts an answered attempt, the last line of its journal, as waste: its task already had an outcome."""
        entry = lines[-1] if lines else None
        if isinstance(entry, Entry) and entry.outcome == Outcome.SUCCESS and entry.cost_usd:
            self._add([(instruments.WASTED_COST_USD, _priced(entry, chain.name), entry.cost_usd)])

    @harmless
    def began(self, chain: Chain, waited: float) -> None:
        """Counts the first delivery of a completion, `waited` seconds after it was queued."""
        self._add([(instruments.QUEUE_WAIT_SECONDS, (chain.name,), max(0.0, waited))])

    @harmless
    def completion(self, chain: Chain, outcome: str, seconds: float) -> None:
        """Counts a completion that ended, `seconds` after it was queued; the outcome as in `COMPLETIONS`."""
        measured: list[Measurement] = [(instruments.COMPLETIONS, (chain.name, outcome), 1)]
        if outcome != _REVOKED:
            measured.append((instruments.COMPLETION_SECONDS, (chain.name,), max(0.0, seconds)))
        self._add(measured)

    @harmless
    def refused(self, chain: str, outcome: str) -> None:
        """Counts a completion whose message was refused; an empty chain is none of the configuration."""
        self._add([(instruments.COMPLETIONS, (chain, outcome), 1)])

    @harmless
    def overhead(self, seconds: float) -> None:
        """Counts what a delivery took beside its calls."""
        self._add([(instruments.OVERHEAD_SECONDS, (), max(0.0, seconds))])

    def _add(self, measured: list[Measurement], entry: Entry | None = None) -> None:
        self.counts.add(measured)
        if self.observer:
            self.observer(measured, entry)


def _of_attempt(entry: Entry, chain: str) -> Iterator[Measurement]:
    """Yields what one attempt adds, whatever came before it."""
    provider, model = entry.provider, entry.model or ""
    yield instruments.ATTEMPTS, (provider, model, str(entry.outcome)), 1
    if entry.latency_ms is not None:
        yield instruments.ATTEMPT_SECONDS, (provider,), entry.latency_ms / 1000
    if entry.first_token_ms is not None:
        yield instruments.FIRST_TOKEN_SECONDS, (provider,), entry.first_token_ms / 1000
    for kind, number in tokens(entry).items():
        if number:
            yield instruments.TOKENS, (provider, model, kind), number
    if entry.cost_usd:
        yield instruments.COST_USD, _priced(entry, chain), entry.cost_usd
        if entry.outcome != Outcome.SUCCESS:
            yield instruments.WASTED_COST_USD, _priced(entry, chain), entry.cost_usd


def _turn(entry: Entry, before: Sequence[Entry]) -> Iterator[Measurement]:
    """Yields whether an attempt is a retry or a failover, by the providers considered before it.

    An attempt that we cut short is followed by neither.
    """
    last = next((each for each in reversed(before) if each.model is not None), None)
    if last is None:
        passed = next((each for each in before if _was_refused(each)), None)
        if passed and passed.provider != entry.provider:
            yield instruments.FAILOVERS, (passed.provider, entry.provider, instruments.SKIPPED), 1
    elif last.outcome != Outcome.CUT_SHORT:
        if last.provider == entry.provider:
            yield instruments.RETRIES, (entry.provider,), 1
        else:
            yield instruments.FAILOVERS, (last.provider, entry.provider, str(last.outcome)), 1


def _was_refused(entry: Entry) -> bool:
    """Returns whether a skipped provider could take the request, but did not admit it."""
    return not (entry.reason or "").startswith(("disabled", "not configured", "incapable"))


def _priced(entry: Entry, chain: str) -> tuple[str, ...]:
    return entry.provider, entry.model or "", chain


def tokens(entry: Entry) -> dict[str, int]:
    """Returns the tokens of an attempt by kind; no token is of two kinds. It is empty where none were told."""
    if entry.tokens is None:
        return {}
    told = {name: entry.tokens.get(name, 0) for name in ("prompt", "completion", "cached", "cache_write", "reasoning")}
    cached, written, reasoning = told["cached"], told["cache_write"], told["reasoning"]
    return {
        "input": max(0, told["prompt"] - cached - written),
        "cache_read": cached,
        "cache_write": written,
        "output": max(0, told["completion"] - reasoning),
        "reasoning": reasoning,
    }


METRICS = Metrics()
"""Those of this process."""

os.register_at_fork(after_in_child=METRICS.forget)
