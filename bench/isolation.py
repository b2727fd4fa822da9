"""Measures what one vendor's silence, and a flood of patient work, cost the completions beside them.

`python bench/isolation.py [--rounds N] [--quick]` starts Valkey, three vendors and a worker of 100 slots, once as it
stands and once with all of it off, and ends all of it. docs/benchmarks/isolation.md says how and why.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.load import BenchError
from bench.kit.upstream import Pace
from bench.parts.isolation.load import Asked, Load
from bench.parts.isolation.vendors import OFF, SILENT, Bench
from tasks.local.errors import FleetError
from worker.errors import RedisUnavailable
from worker.telemetry import events

RATE, WARM_UP, BEFORE, AFTER = 17, 12.0, 8.0, 40.0
PATIENT, URGENT, SLOW = 130, 20, Pace(delay=20.0, coding="block")
SIDES: dict[str, Mapping[str, str]] = {"off": OFF, "on": {}}
ADDED_AIM, ASKING_AIM, URGENT_AIM = 0.5, 5.0, 0.5
_PACKAGES = ("celery", "kombu", "redis", "httpx")

T = TypeVar("T")


@dataclass(frozen=True)
class Silence:
    """Seconds to answer before and after the first vendor fell silent, by chain.

    `lost` completions failed; the breaker opened after `opened` seconds, with this `cause`.
    """

    before: dict[str, list[float]]
    after: dict[str, list[float]]
    lost: int
    opened: float | None
    cause: str


@dataclass(frozen=True)
class Flood:
    """Seconds that urgent completions waited beside their call while patient ones held the slots; lost completions."""

    waited: list[float]
    lost: int


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--quick", is_flag=True, help="One round of the worker as it stands, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures what a silent vendor and patient work cost others."""
    console, sides = report.console(), ["on"] if quick else [*SIDES]
    silences: dict[str, list[Silence]] = {side: [] for side in sides}
    floods: dict[str, list[Flood]] = {side: [] for side in sides}
    try:
        for number in range(1 if quick else rounds):
            for side in sides:
                with console.status(f"round {number + 1}, {side}"), tempfile.TemporaryDirectory() as folder:
                    silences[side].append(_in_bench(Path(folder) / "silence", side, silence))
                    floods[side].append(_in_bench(Path(folder) / "flood", side, flood))
        console.print(report.machine(*_PACKAGES), soft_wrap=True)
        _show(console, silences, floods)
    except (BenchError, FleetError, RedisUnavailable) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _in_bench(folder: Path, side: str, measure: Callable[[Bench], T]) -> T:
    with ExitStack() as stack:
        return measure(Bench.start(folder, stack, SIDES[side]))


def silence(bench: Bench) -> Silence:
    """Lets the first vendor fall silent under an even load, half of which never asks it."""
    load = Load(bench.app)
    load.run(["both", "other"], 1 / RATE, WARM_UP)
    start = time.monotonic()
    load.run(["both", "other"], 1 / RATE, BEFORE)
    since, _ = events.since(bench.store)
    fell, fell_at = time.monotonic(), time.time()
    bench.vendors["first"].pace(SILENT)
    load.run(["both", "other"], 1 / RATE, AFTER)
    load.drain()
    _, entries = events.since(bench.store, since)
    opening = next((entry for entry in entries if entry["type"] == "circuit-breaker-open"), None)
    return Silence(
        _by_chain(one for one in load.asked if start <= one.at < fell - 2.5),  # answered while it spoke
        _by_chain(one for one in load.asked if one.at >= fell),
        _lost(load.asked),
        int(opening["at_ms"]) / 1000 - fell_at if opening else None,
        opening["cause"] if opening else "",
    )


def flood(bench: Bench) -> Flood:
    """Fills the slots with slow calls of patient completions, and queues urgent ones beside them."""
    load = Load(bench.app)
    load.run(["urgent"], 0.2, 2.0, priority=3)  # the first calls of a process are slower
    load.drain()
    for name in ("first", "second"):
        bench.vendors[name].pace(SLOW)
    for _ in range(PATIENT):
        load.queue("patient", 9)
    load.collect(time.monotonic() + 4.0)
    begin = time.monotonic()
    load.run(["urgent"], 0.5, URGENT * 0.5, priority=3)
    load.drain()
    urgent = [one for one in load.asked if one.chain == "urgent" and one.at >= begin and one.is_answered]
    return Flood([one.waited for one in urgent], _lost(load.asked))


def _by_chain(asked: Iterable[Asked]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"both": [], "other": []}
    for one in asked:
        found[one.chain].append(one.took or 0.0)
    return found


def _lost(asked: Sequence[Asked]) -> int:
    return sum(not one.is_answered for one in asked)


def percentile(values: Sequence[float], part: float) -> float:
    """Returns the nearest-rank percentile."""
    return sorted(values)[math.ceil(part * len(values)) - 1]


def _show(console: Console, silences: Mapping[str, list[Silence]], floods: Mapping[str, list[Flood]]) -> None:
    lines = {
        f"{side}, {name}": [
            report.spread([percentile(when(one)[chain], part) for one in its], digits=2)
            for when in (lambda one: one.before, lambda one: one.after)
            for part in (0.5, 0.99)
        ]
        for side, its in silences.items()
        for chain, name in (("other", "never ask it"), ("both", "ask it first"))
    }
    console.print(report.grid("s to the answer", ["p50 before", "p99 before", "p50 silent", "p99 silent"], lines))
    for side, its in silences.items():
        opened = ", ".join(f"{one.opened:.1f} s ({one.cause})" if one.opened else "never" for one in its)
        console.print(f"{side}: the breaker opened after {opened}")
    waits = {
        side: [report.spread([percentile(one.waited, part) for one in its], digits=3) for part in (0.5, 0.99)]
        for side, its in floods.items()
    }
    console.print(report.grid(f"s that an urgent one waits beside {PATIENT} patient ones", ["p50", "most"], waits))
    on, urgent = silences["on"], floods["on"]
    added = max(percentile(one.after["other"], 0.99) - percentile(one.before["other"], 0.99) for one in on)
    asking, waited = max(percentile(one.after["both"], 0.99) for one in on), max(max(one.waited) for one in urgent)
    lost = sum(one.lost for one in (*on, *urgent))
    met = report.met
    console.print(
        f"aim: who never asks it at most {ADDED_AIM} s later at p99: {added:+.2f} at worst: {met(added <= ADDED_AIM)}"
    )
    console.print(f"aim: who asks it at most {ASKING_AIM} s at p99: {asking:.2f} at worst: {met(asking <= ASKING_AIM)}")
    console.print(
        f"aim: an urgent one waits at most {URGENT_AIM} s: {waited:.3f} at worst: {met(waited <= URGENT_AIM)}"
    )
    console.print(f"aim: nothing is lost: {lost}: {met(lost == 0)}")


if __name__ == "__main__":
    main()
