"""What bench/breaker.py aims at, and whether it was met."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console

from bench.kit import report
from bench.parts.breaker.cells import CALLS, Cell

PROTOTYPE = {
    "acquire, chain of three, first closed": (1.66, 1.29),
    "acquire, two open": (1.86, 1.35),
    "record a success, full window": (2.07, 1.41),
    "failover decision": (2.78, 1.64),
    "whole call, success": (3.9, 2.68),
}
"""The multiples of a PING over loopback that a prototype took: on a machine whose PING takes 39 us, and 98 us."""

_AT_PAR = ("whole call, success", "whole call, failure")
"""Where pybreaker may be ahead over loopback: its commands are simpler than a script."""

ROWS = tuple(dict.fromkeys((*PROTOTYPE, *CALLS)))

Key = tuple[str, str]
"""A row and a side."""

Times = Mapping[Key, Cell]


def judge(
    console: Console,
    completions: Mapping[int, int],
    counted: Mapping[Key, Sequence[int]],
    loopback: Times,
    network: Times,
) -> None:
    """Prints which aims were met."""
    counts = ", ".join(f"{attempts}: {trips}" for attempts, trips in completions.items())
    kept = all(trips == attempts + 1 for attempts, trips in completions.items())
    console.print(f"aim: one round trip more than attempts; completions, by attempts, {counts}: {report.met(kept)}")
    two = set(counted["whole call, success", "ours"]) == {2}
    console.print(f"aim: a call that succeeds is two round trips, never three: {report.met(two)}")
    console.print(report.grid("aim: at most the prototype's PINGs", *_held(loopback)))
    console.print("aim: ahead of pybreaker over loopback from the first failover or open provider on")
    _ahead(console, loopback, [row for row in CALLS if row not in _AT_PAR])
    console.print("aim: ahead of pybreaker over the network throughout")
    _ahead(console, network, list(CALLS))


def _held(times: Times) -> tuple[Sequence[str], dict[str, list[str]]]:
    lines = {}
    for row, (busy, quiet) in PROTOTYPE.items():
        ours = median(times[row, "ours"].pings)
        figures = [f"{figure:.2f}, {report.met(ours <= figure)}" for figure in (busy, quiet)]
        lines[row] = [f"{ours:.2f}", *figures]
    return ("ours", "PING of 39 us", "PING of 98 us"), lines


def _ahead(console: Console, times: Times, rows: Sequence[str]) -> None:
    for row in rows:
        factors = _behind(times, row)
        console.print(f"  {row}: its time is {report.spread(factors)} of ours, {report.met(median(factors) > 1)}")


def _behind(times: Times, row: str) -> list[float]:
    pairs = zip(times[row, "pybreaker"].samples, times[row, "ours"].samples, strict=True)
    return [theirs.took / ours.took for theirs, ours in pairs]
