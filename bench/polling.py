"""Measures what a worker costs and how late it starts where it polls, because Redis refuses CLIENT TRACKING.

`python bench/polling.py [--rounds N] [--quick]` starts a Valkey and a worker for each interval, and one of each with
tracking, measures them in turn, prints what it found, and ends all of it. docs/benchmarks/transport.md has a run.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.environment import inherited
from bench.kit.load import BenchError
from bench.parts.transport.crews import Crew, Idle
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet

INTERVALS = (0.005, 0.02, 0.05, 0.1, 0.25)
"""Seconds from one fetch to the next."""

_PACKAGES = ("celery", "kombu", "redis", "hiredis")
_FIGURES = ("cpu_ms", "redis_ms", "requests")
_COLUMNS = ("idle: CPU ms/s, worker", "idle: CPU ms/s, Redis", "idle: requests/s", "start, ms: p50", "p95", "worst")


class Found:
    """The samples of one crew."""

    def __init__(self) -> None:
        self.idle: list[Idle] = []
        self.starts: list[float] = []

    def cells(self) -> list[str]:
        """Returns the table's cells: median (lowest to highest) of the rounds, then of all tasks."""
        ordered = sorted(self.starts)
        spreads = [report.spread([getattr(idle, name) for idle in self.idle], 1) for name in _FIGURES]
        return spreads + [f"{ordered[int(share * (len(ordered) - 1))]:.1f}" for share in (0.5, 0.95, 1.0)]


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures polling against tracking."""
    console = report.console()
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder), inherited()) as fleet:
            crews = [Crew.start(fleet, "ours", poll) for poll in (0.0, *INTERVALS)]
            console.print(f"{report.machine(*_PACKAGES)}, {report.server(crews[0].redis)}", soft_wrap=True)
            for crew in crews:
                crew.add(fleet)
                crew.burst(100)  # warms up
            tasks, seconds = (10, 1.0) if quick else (60, 5.0)
            found = _measured(crews, 1 if quick else rounds, tasks, seconds)
            console.print(report.grid("", _COLUMNS, {_name(crew): each.cells() for crew, each in found}))
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None


def _measured(crews: Sequence[Crew], rounds: int, tasks: int, seconds: float) -> list[tuple[Crew, Found]]:
    found = [(crew, Found()) for crew in crews]
    for number in range(rounds):
        # Whoever goes second finds a warmer machine.
        for crew, each in reversed(found) if number % 2 else found:
            each.idle.append(crew.idle(seconds))
            each.starts += crew.starts(tasks)
    return found


def _name(crew: Crew) -> str:
    return f"every {1000 * crew.poll:g} ms" if crew.poll else "tracking"


if __name__ == "__main__":
    main()
