"""Measures the CPU of asking a provider, against the vendors' own Python clients.

`python bench/dialects.py [--rounds N] [--quick]` starts an upstream, asks it in turn with both, prints what it found,
and ends the upstream. It needs the packages `anthropic` and `openai`. docs/benchmarks/dialects.md says
how and why.
"""

import gc
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path
from statistics import median

import click
from rich.console import Console

# Python puts this file's folder first, where `worker` would be bench/worker.py.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.serving import Upstream
from bench.parts.dialects.clients import Ask
from bench.parts.dialects.comparisons import Cell, building, reading
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet

AIM = 1 / 3


@click.command()
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures this project's asking against the vendors' own clients."""
    console = report.console()
    console.print(report.machine("anthropic", "openai", "httpx2", "httpx", "pydantic"), soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
            _run(console, Upstream.start(fleet), 1 if quick else rounds, quick=quick)
    except FleetError as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, upstream: Upstream, rounds: int, *, quick: bool) -> None:
    cells = [*reading(upstream.url), *building()]
    with console.status("opening connections"):
        for cell in cells:
            upstream.pace(cell.pace)
            _pair(cell, 2, swapped=False)
    # Two vendors' packages are imported: whose call a full collection falls on would pay for going through them.
    gc.collect()
    gc.freeze()
    for number in range(rounds):
        for cell in cells:
            with console.status(f"round {number + 1} of {rounds}: {cell.title}, {cell.name}"):
                upstream.pace(cell.pace)
                # Whoever goes second finds a warmer machine.
                calls = cell.calls // 10 if quick else cell.calls
                cell.samples.append(_pair(cell, calls, swapped=number % 2 == 1))
    for title, group in groupby(cells, key=lambda cell: cell.title):
        console.print(report.table(title, [cell.row for cell in group], ("vendor's client", "this project")))
    console.print(f"{rounds} rounds: median (lowest to highest) of CPU ms per call; ratio and difference by pairs")
    _judge(console, cells)


def _judge(console: Console, cells: list[Cell]) -> None:
    console.print("aim: at most a third of the vendor's own client")
    for cell in cells:
        ratio = median(cell.row.ratios)
        console.print(f"  {cell.title}, {cell.name}: {ratio:.2f}, {report.met(ratio <= AIM)}")


def _pair(cell: Cell, calls: int, *, swapped: bool) -> tuple[float, float]:
    if swapped:
        ours = _cpu(cell.ours, calls, cell.text)
        return _cpu(cell.theirs, calls, cell.text), ours
    return _cpu(cell.theirs, calls, cell.text), _cpu(cell.ours, calls, cell.text)


def _cpu(ask: Ask, calls: int, text: str) -> float:
    """Returns the milliseconds of CPU, user and system, that this process takes for one call."""
    gc.collect()
    begin = time.process_time()
    for _ in range(calls):
        answer = ask()
    spent = time.process_time() - begin
    assert answer == text, "not the answer that was given"
    return 1000 * spent / calls


if __name__ == "__main__":
    main()
