"""The fleet's metrics in Redis: what processes have counted, summed, and their calls in flight.

A field of the hash is a JSON list: a name of instruments.py and its labels, `["retries","claude"]`. A histogram has one
for each bucket that has any, with its upper bound, and one for the sum: `["attempt_seconds","claude",0.32]`,
`["attempt_seconds","claude","sum"]`. Sums of seconds are in microseconds, of USD in nano-USD.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from worker.admission.bulkheads import BULKHEADS
from worker.store.connection import Command
from worker.store.store import Store
from worker.telemetry.metrics.counts import LAST, SUM, Field, Labels
from worker.telemetry.metrics.instruments import INSTRUMENTS, Instrument
from worker.telemetry.metrics.recording import METRICS

FRESH = 15.0
"""Seconds for which a report of calls in flight holds: a killed process makes no other."""

_BY_NAME = {instrument.name: instrument for instrument in INSTRUMENTS}


@dataclass
class Histogram:
    """Observations, by the upper bound of their bucket, and their sum."""

    buckets: Counter[float | str] = field(default_factory=Counter)
    sum: float = 0.0


@dataclass
class Sums:
    """What the fleet has counted: by instrument and labels."""

    counters: dict[tuple[str, Labels], float] = field(default_factory=dict)
    histograms: dict[tuple[str, Labels], Histogram] = field(default_factory=dict)


def command(store: Store, counts: dict[Field, int], in_flight: dict[str, int]) -> Command:
    """Returns the command that adds counts, and notes this process's calls in flight; its reply: how many it dropped.

    Where the server refuses it, nothing was added.
    """
    pairs = [part for each, number in counts.items() for part in (dump(each), number)]
    calls = json.dumps(in_flight, separators=(",", ":")) if in_flight else ""
    return store.script("count", [store.keys.metrics, store.keys.in_flight], METRICS.process, calls, *pairs)


def has_counts() -> bool:
    """Returns whether this process has counted anything since the last flush, or has or had calls in flight."""
    return bool(METRICS.counts) or METRICS.reported or bool(BULKHEADS.in_flight())


def dump(each: Field) -> str:
    """Returns a field as Redis has it."""
    return json.dumps(each, separators=(",", ":"))


def parse(stored: dict[str, str]) -> Sums:
    """Returns what the hash of metrics has; names that only a newer worker knows are left out."""
    sums = Sums()
    for text, number in stored.items():
        name, *rest = json.loads(text)
        instrument = _BY_NAME.get(name)
        if instrument:
            _add(sums, instrument, rest, int(number))
    return sums


def _add(sums: Sums, instrument: Instrument, rest: list[str | float], number: int) -> None:
    labels = tuple(map(str, rest[: len(instrument.labels)]))
    key = (instrument.name, labels)
    if instrument.kind == "counter":
        sums.counters[key] = number / instrument.scale
        return
    histogram = sums.histograms.setdefault(key, Histogram())
    what = rest[-1]
    if what == SUM:
        histogram.sum = number / instrument.scale
    else:
        # Of a version with other buckets: it counts in the next larger one.
        larger = (bound for bound in instrument.bounds if isinstance(what, int | float) and bound >= what)
        histogram.buckets[next(larger, LAST)] += number


def in_flight(reports: dict[str, str], now: float) -> Counter[str]:
    """Returns the calls in flight by provider, from the reports of processes; `now` is an epoch in seconds."""
    calls: Counter[str] = Counter()
    for report in reports.values():
        at, _, by_provider = report.partition(" ")
        if int(at) / 1000 > now - FRESH:
            calls.update(json.loads(by_provider))
    return calls
