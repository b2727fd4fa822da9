"""Measures what a call in flight costs a worker process, as their number grows; one checkout against another.

`python bench/scale.py [--against PATH] [--rounds N] [--together N] [--quick]` starts an upstream and, for each of the
two checkouts, Valkey and one worker after the other, prints what it found, and ends all of it.
docs/benchmarks/scale.md says how and why.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
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
from bench.kit.serving import Upstream
from bench.kit.upstream import TOKENS
from bench.parts.scale.sides import Side
from bench.parts.scale.stretch import RATE, Stretch, measure
from tasks.local.celery_nodes import ROOT
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet

LEVELS = (50, 200, 500, 1000)
TOGETHER = 25
DRIVERS = 2
_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")
_ROWS: dict[str, Callable[[Stretch], float]] = {
    "completions/s": lambda s: s.rate,
    "worker, CPU ms": lambda s: s.worker_ms,
    "MB per call": lambda s: s.memory_mb,
    "Redis connections": lambda s: s.connections,
    "late, p50 ms": lambda s: s.late_p50,
    "late, p99 ms": lambda s: s.late_p99,
    "Redis, CPU ms": lambda s: s.redis_ms,
    "Redis, commands": lambda s: s.commands,
    "Redis, reads": lambda s: s.reads,
    "bytes that stay": lambda s: s.kept,
    "of the answer's": lambda s: s.share,
    "unanswered": lambda s: s.unanswered,
}
AIMS: dict[str, float] = {"MB per call": 0.3, "Redis connections": 24, "Redis, CPU ms": 0.6, "of the answer's": 1.8}
"""At `AIMED` in flight, at most; `GROWTH` is the CPU per completion there in that of the first level."""

AIMED, GROWTH = 500, 1.2

Found = dict[str, dict[int, list[Stretch]]]
"""By side and number in flight; the stretches of one round have one place."""


@click.command()
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--in-flight", "levels", multiple=True, type=click.IntRange(DRIVERS), help=f"Default: {LEVELS}.")
@click.option("--together", default=TOGETHER, show_default=True, type=click.IntRange(1), help="Tokens of one write.")
@click.option("--quick", is_flag=True, help="One short round at 50 and 200, to see that it runs.")
def main(against: Path | None, rounds: int, levels: tuple[int, ...], together: int, quick: bool) -> None:
    """Measures this checkout, and another one beside it."""
    if foreign := sorted(name for name in os.environ if name.startswith("FALLBACK_")):
        raise click.ClickException(f"the defaults are what is measured; unset {', '.join(foreign)}")
    console = report.console()
    levels = levels or (LEVELS[:2] if quick else LEVELS)
    checkouts = {"before": against.resolve(), "after": ROOT} if against else {"this": ROOT}
    try:
        with ExitStack() as stack:
            fleet = stack.enter_context(Fleet(Path(stack.enter_context(tempfile.TemporaryDirectory())), inherited()))
            # An executor each: one of several processes could take two orders.
            drivers = [stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in range(DRIVERS)]
            sides = [Side.start(fleet, name, checkout) for name, checkout in checkouts.items()]
            with Redis.from_url(sides[0].server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            upstream = Upstream.start(fleet)
            fleet.environment |= {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "bench"}
            seconds = 3.0 if quick else 10.0
            found = _run(console, sides, upstream, drivers, levels, 1 if quick else rounds, together, seconds)
            _show(console, found, together)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(
    console: Console,
    sides: Sequence[Side],
    upstream: Upstream,
    drivers: Sequence[Executor],
    levels: Sequence[int],
    rounds: int,
    together: int,
    seconds: float,
) -> Found:
    found: Found = {side.name: {level: [] for level in levels} for side in sides}
    for number in range(rounds):
        for place, level in enumerate(levels):
            # Whoever goes second finds a warmer machine.
            for side in sides if (number + place) % 2 else reversed(sides):
                with console.status(f"round {number + 1} of {rounds}: {level} in flight, {side.name}"):
                    found[side.name][level].append(measure(side, upstream, drivers, level, together, seconds))
    return found


def _show(console: Console, found: Found, together: int) -> None:
    first, *others = found.values()
    columns = [f"{level} in flight" for level in first]
    for name, levels in found.items():
        lines = {row: [report.spread([of(s) for s in its]) for its in levels.values()] for row, of in _ROWS.items()}
        console.print(report.grid(f"{name}: {RATE} a second, {TOKENS} tokens, {together} a write", columns, lines))
    for other in others:
        lines = {row: [_ratio(first[level], other[level], of) for level in first] for row, of in _ROWS.items()}
        console.print(report.grid("after / before, pair by pair", columns, lines))
    rounds = len(next(iter(first.values())))
    console.print(f"{rounds} rounds: median (lowest to highest); CPU, commands, reads and bytes are per completion")
    for name, levels in found.items():
        if AIMED in levels:
            _judge(console, name, levels)


def _ratio(before: Sequence[Stretch], after: Sequence[Stretch], of: Callable[[Stretch], float]) -> str:
    # Measured lateness and memory may be 0 or less.
    pairs = [(of(first), of(second)) for first, second in zip(before, after, strict=True)]
    if any(first <= 0 for first, _ in pairs):
        return "-"
    return report.spread([second / first for first, second in pairs], digits=2)


def _judge(console: Console, name: str, levels: dict[int, list[Stretch]]) -> None:
    for row, most in AIMS.items():
        found = median(_ROWS[row](stretch) for stretch in levels[AIMED])
        console.print(
            f"aim, {name}: {row} at {AIMED}: at most {most:g}; it is {found:.2f}: {report.met(found <= most)}"
        )
    least = min(levels)
    pairs = zip(levels[least], levels[AIMED], strict=True)
    growth = median(many.worker_ms / few.worker_ms for few, many in pairs)
    console.print(
        f"aim, {name}: CPU at {AIMED}: at most {GROWTH:g} of that at {least}; "
        f"it is {growth:.2f}: {report.met(growth <= GROWTH)}"
    )


if __name__ == "__main__":
    main()
