"""Measures what fetching and acknowledging a task costs on this project's transport, against kombu's own.

`python bench/transport.py [--rounds N] [--quick]` starts two Valkeys, one and then four workers on each, measures
them in turn, prints what it found, and ends all of it. docs/benchmarks/transport.md says how and why.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

import click
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.environment import inherited
from bench.kit.load import BenchError
from bench.kit.report import Row
from bench.parts.transport.crews import Burst, Crew, Idle
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet

WORKERS = (1, 4)
SIDES = ("kombu's transport", "this transport")
HALF, ADDED = 0.5, 0.5
"""The aims: the share of kombu's CPU per task, the milliseconds added from publish to start."""

_PACKAGES = ("celery", "kombu", "redis", "hiredis")

Pair = tuple[Crew, Crew]


class Found:
    """The samples of one number of workers, in pairs: kombu's transport, this one."""

    def __init__(self) -> None:
        self.bursts: list[tuple[Burst, Burst]] = []
        self.starts: list[tuple[float, float]] = []
        self.idle: list[tuple[Idle, Idle]] = []

    def rows(self) -> list[Row]:
        """Returns the table's rows."""
        bursts = {
            "tasks/s": lambda burst: burst.rate,
            "CPU ms/task, workers": lambda burst: burst.worker_ms,
            "CPU ms/task, Redis": lambda burst: burst.redis_ms,
        }
        idle = {
            "idle: CPU ms/s": lambda idle: idle.cpu_ms,
            "idle: requests/s": lambda idle: idle.requests,
            "idle: commands/s": lambda idle: idle.commands,
        }
        return [
            *(_row(name, self.bursts, of) for name, of in bursts.items()),
            _row("publish to start, ms", self.starts, float),
            *(_row(name, self.idle, of) for name, of in idle.items()),
        ]


@click.command()
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures this transport against kombu's."""
    console = report.console()
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder), inherited()) as fleet:
            crews = (Crew.start(fleet, "kombu"), Crew.start(fleet, "ours"))
            console.print(f"{report.machine(*_PACKAGES)}, {report.server(crews[0].redis)}", soft_wrap=True)
            for number in WORKERS:
                _judge(console, number, _measured(console, fleet, crews, number, 1 if quick else rounds, quick=quick))
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _measured(console: Console, fleet: Fleet, crews: Pair, workers: int, rounds: int, *, quick: bool) -> Found:
    found = Found()
    tasks, starts, seconds = (500, 20, 1.0) if quick else (4000, 200, 5.0)
    for crew in crews:
        while len(crew.workers) < workers:
            crew.add(fleet)
        crew.burst(tasks)  # warms up
    for number in range(rounds):
        with console.status(f"{workers} workers, round {number + 1} of {rounds}"):
            # Whoever goes second finds a warmer machine.
            order = (1, 0) if number % 2 else (0, 1)
            found.bursts.append(_pair({side: crews[side].burst(tasks) for side in order}))
            found.starts.append(_pair({side: median(crews[side].starts(starts)) for side in order}))
            found.idle.append(_pair({side: crews[side].idle(seconds) for side in order}))
    return found


def _pair(samples: dict) -> tuple:
    return samples[0], samples[1]


def _row(name: str, pairs: list, of) -> Row:
    return Row(name, *([of(pair[side]) for pair in pairs] for side in (0, 1)))


def _judge(console: Console, workers: int, found: Found) -> None:
    rows = found.rows()
    title = f"{workers} worker{'s' * (workers > 1)}, {len(found.bursts)} rounds: median (lowest to highest)"
    console.print(report.table(title, rows, SIDES))
    by_name = {row.name: row for row in rows}
    share, added = median(by_name["CPU ms/task, workers"].ratios), median(by_name["publish to start, ms"].added)
    console.print(f"aim: at most {HALF:g} of the CPU per task: {share:.2f}, {report.met(share <= HALF)}")
    console.print(f"aim: at most {ADDED:g} ms from publish to start: {added:+.2f} ms, {report.met(added <= ADDED)}")


if __name__ == "__main__":
    main()
