"""Measures where a worker's CPU goes, area by area, for this task and the barest one.

`python bench/profiles.py [--rounds N] [--quick] [--markdown]` starts Valkey, an upstream and two worker processes for
each of the two tasks, loads them in turn, prints a table for each load, and ends all of it. docs/benchmarks/profiles.md
says how and why.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self

import click
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.load import BenchError, Side, load
from bench.parts.profiles.areas import AREAS
from bench.parts.profiles.measured import WRITE_EVERY
from bench.parts.scale.stretch import paced
from bench.parts.worker.cases import BURSTS, OPENING, PLAIN, TOKENS, Case
from bench.parts.worker.sides import WORKERS, Bench, Launch
from tasks.local.errors import FleetError

_MODULE = "bench.parts.profiles.measured"
_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")
MANY = 500
"""In flight in the last load, over all workers."""

_TASK = list(AREAS)[-1]
_REST, _ALL = "none of these: the hub, threads", "all"
Found = dict[Case, list[dict[str, "Profile"]]]


@dataclass(frozen=True)
class Profile:
    """What one side's completions took in a load: milliseconds of CPU and calls per completion, by area."""

    ms: Mapping[str, float]
    calls: Mapping[str, float]


@dataclass(frozen=True)
class _Spent:
    """What workers have spent so far, over all of them: seconds of CPU, nanoseconds and calls by area."""

    cpu: float
    spent: Mapping[str, int]
    calls: Mapping[str, int]

    @classmethod
    def of(cls, bench: Bench, side: Side) -> Self:
        time.sleep(2.5 * WRITE_EVERY)
        states = [json.loads(path.read_text()) for path in bench.areas(side)]
        sums = [
            {area: sum(state[kind].get(area, 0) for state in states) for area in AREAS} for kind in ("spent", "calls")
        ]
        return cls(sum(state["user"] + state["system"] for state in states), *sums)

    def until(self, later: Self) -> Profile:
        """Returns the profile between two moments."""
        done = later.calls[_TASK] - self.calls[_TASK]
        if not done:
            raise BenchError("no worker ran a task; do its areas' functions still exist?")
        ms = {area: (later.spent[area] - self.spent[area]) / 1e6 / done for area in AREAS}
        whole = 1000 * (later.cpu - self.cpu) / done
        calls = {area: (later.calls[area] - self.calls[area]) / done for area in AREAS}
        return Profile({**ms, _REST: whole - sum(ms.values()), _ALL: whole}, calls)


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
@click.option("--markdown", is_flag=True, help="Tables for a page of the documentation.")
def main(rounds: int, quick: bool, markdown: bool) -> None:
    """Measures where the CPU of this project's task and of the barest one goes."""
    console = report.console()
    rounds = 1 if quick else rounds
    many = Case("12.5 s upstream, 25 tokens a write", paced(MANY, 25), 1.0, MANY, 15.0, 15.0)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            bench = Bench.start(folder, stack, Launch(_MODULE, slots=MANY // WORKERS))
            console.print(report.machine(*_PACKAGES), soft_wrap=True)
            found = _measured(console, bench, (BURSTS[1], TOKENS, many), rounds, quick=quick)
            found |= _measured(console, bench.plainly(), (PLAIN[1],), rounds, quick=quick)
        for case, profiles in found.items():
            _show(console, case, profiles, markdown=markdown)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _measured(console: Console, bench: Bench, cases: tuple[Case, ...], rounds: int, *, quick: bool) -> Found:
    found: Found = {case: [] for case in cases}
    for side in bench.sides:
        _profile(bench, side, OPENING, OPENING.seconds)
    for number in range(rounds):
        for case, profiles in found.items():
            with console.status(f"round {number + 1} of {rounds}: {case.name}"):
                seconds = case.seconds / 3 if quick else case.seconds
                profiles.append({side.name: _profile(bench, side, case, seconds) for side in bench.sides})
    return found


def _profile(bench: Bench, side: Side, case: Case, seconds: float) -> Profile:
    bench.upstream.pace(case.pace)
    before = _Spent.of(bench, side)
    server = bench.server.process.pid
    load(side, server, in_flight=case.in_flight, warm_up=case.warm_up, seconds=seconds)
    return before.until(_Spent.of(bench, side))


def _show(console: Console, case: Case, profiles: list[dict[str, Profile]], *, markdown: bool) -> None:
    def ms(side: str, area: str) -> float:
        return median(profile[side].ms[area] for profile in profiles)

    def calls(area: str) -> float:
        return median(profile["ours"].calls.get(area, 0.0) for profile in profiles)

    rows = sorted([*AREAS, _REST], key=lambda area: -ms("ours", area))
    columns = ["this task, ms", "share", "calls", "barest task, ms"]
    lines = {
        area: [
            f"{ms('ours', area):.2f}",
            f"{ms('ours', area) / ms('ours', _ALL):.0%}",
            f"{calls(area):.1f}" if calls(area) else "",
            f"{ms('barest', area):.2f}" if ms("barest", area) else "",
        ]
        for area in [*rows, _ALL]
    }
    if not markdown:
        console.print(report.grid(case.title, columns, lines))
        return
    print(f"\n| {case.title} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for area, cells in lines.items():
        print(f"| {area} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
