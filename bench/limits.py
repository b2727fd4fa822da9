"""Measures what limits, budgets and scored order cost Redis, and what they cost where nothing is configured.

`python bench/limits.py [--against PATH] [--rounds N] [--quick]` starts an upstream and, for each side, Valkey and a
worker, measures them in turn, prints what it found, and ends all of it. docs/explanation/limits.md says what came out.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.environment import inherited
from bench.kit.load import BenchError
from bench.kit.report import Row
from bench.kit.serving import Upstream
from bench.kit.upstream import Pace
from bench.parts.limits.sides import IN_FLIGHT, Side, Stretch, configuration, here
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet

MOST_CPU = 1.15
"""Of Redis's CPU per completion with all of it on, against none of it."""
MOST_COMMANDS = 2
"""More commands per completion than the older checkout, with nothing configured."""

_PACE = Pace(0.2, "chunks")
_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")
_ROWS: dict[str, Callable[[Stretch], float]] = {
    "Redis, CPU ms": lambda s: s.load.redis_ms,
    "Redis, commands": lambda s: s.commands,
    "Redis, reads": lambda s: s.reads,
    "worker, CPU ms": lambda s: s.load.worker_ms,
    "completions/s": lambda s: s.load.rate,
}

Found = dict[str, list[Stretch]]


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--seconds", default=6.0, show_default=True, type=click.FloatRange(1.0), help="Of each stretch.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True),
    help="An older checkout; with nothing configured it is compared, too.",
)
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
def main(rounds: int, seconds: float, against: Path | None, quick: bool) -> None:
    """Measures one fleet with everything on, and one with nothing."""
    console = report.console()
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            fleet = stack.enter_context(Fleet(folder, inherited()))
            upstream = Upstream.start(fleet)
            upstream.pace(_PACE)
            plain = configuration(upstream.url, steered=False)
            sides = [Side.start(fleet, "before", against, plain)] if against else []
            sides.append(Side.start(fleet, "nothing", here(), plain))
            sides.append(Side.start(fleet, "all", here(), configuration(upstream.url, steered=True)))
            with Redis.from_url(sides[0].server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            _show(console, _measured(console, sides, 1 if quick else rounds, 1.5 if quick else seconds))
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _measured(console: Console, sides: Sequence[Side], rounds: int, seconds: float) -> Found:
    found: Found = {side.name: [] for side in sides}
    for side in sides:  # opens connections
        side.measure(1.0, 1.0)
    for number in range(rounds):
        # Whoever goes second finds a warmer machine.
        for side in sides if number % 2 else reversed(sides):
            with console.status(f"round {number + 1} of {rounds}: {side.name}"):
                found[side.name].append(side.measure(1.0, seconds))
    if not sides[-1].spent():
        raise BenchError("no budget was counted")
    return found


def _show(console: Console, found: Found) -> None:
    title = f"{IN_FLIGHT} in flight, 200 ms upstream; per completion"
    if "before" in found:
        rows = _rows(found["before"], found["nothing"])
        console.print(report.table(f"{title}; nothing configured", rows, ("older checkout", "this one")))
        more = median(rows[1].added)
        console.print(f"aim: at most {MOST_COMMANDS} commands more; {more:.1f}: {report.met(more <= MOST_COMMANDS)}")
    rows = _rows(found["nothing"], found["all"])
    console.print(report.table(title, rows, ("nothing configured", "all of it on")))
    ratio, (low, high) = median(rows[0].ratios), report.interval(rows[0].ratios)
    met = report.met(ratio <= MOST_CPU)
    console.print(f"aim: at most {MOST_CPU:g} of Redis's CPU; {ratio:.2f} (95 %: {low:.2f} to {high:.2f}): {met}")


def _rows(theirs: Sequence[Stretch], ours: Sequence[Stretch]) -> list[Row]:
    return [Row(name, [of(each) for each in theirs], [of(each) for each in ours]) for name, of in _ROWS.items()]


if __name__ == "__main__":
    main()
