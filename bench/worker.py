"""Measures what a completion costs here, against the barest Celery task that reads the same stream.

`python bench/worker.py [--rounds N] [--quick] [--tokens] [--litellm PYTHON]` starts Valkey, an upstream and two worker
processes for each of the tasks, measures them in turn, prints what it found, and ends all of it.
docs/benchmarks/worker.md says how and why.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import click
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be this very file.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.load import BenchError, Load, delay_to_get, load
from bench.kit.report import Row
from bench.parts.worker.cases import BURSTS, LATENCY, OPENING, PLAIN, ROUTED_IN_FLIGHT, ROUTED_SECONDS, TOKENS, Case
from bench.parts.worker.sides import Bench, Launch
from tasks.local.errors import FleetError

_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")
SIDES = {"barest": "barest task", "routed": "LiteLLM's Router"}

Found = dict[Case, list[dict[str, Load]]]
"""A load of each side, by its name, per round."""


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
@click.option("--tokens", is_flag=True, help="Also token by token; a minute more per round.")
@click.option(
    "--litellm",
    metavar="PYTHON",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python that has this project and LiteLLM; its Router is measured too.",
)
def main(rounds: int, quick: bool, tokens: bool, litellm: Path | None) -> None:
    """Measures this project's task against the barest one."""
    if foreign := sorted(name for name in os.environ if name.startswith("FALLBACK_")):
        raise click.ClickException(f"the defaults are what is measured; unset {', '.join(foreign)}")
    console = report.console()
    try:
        with ExitStack() as stack:
            bench = Bench.start(
                Path(stack.enter_context(tempfile.TemporaryDirectory())), stack, Launch(litellm=litellm)
            )
            with Redis.from_url(bench.server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            _run(console, bench, 1 if quick else rounds, quick=quick, tokens=tokens)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, bench: Bench, rounds: int, *, quick: bool, tokens: bool) -> None:
    latencies: list[tuple[list[float], list[float]]] = []
    calls = 40 if quick else 200
    found = _measured(console, bench, (*BURSTS, TOKENS) if tokens else BURSTS, rounds, quick=quick)
    for number in range(rounds):
        with console.status(f"round {number + 1} of {rounds}: latency"):
            latencies.append(_latencies(bench, calls))
    found |= _measured(console, bench.plainly(), PLAIN, rounds, quick=quick)
    for case, loads in found.items():
        for side, title in SIDES.items():
            if side in loads[0]:
                console.print(report.table(case.title, _rows(case, loads, side), (title, "this task")))
    latency = _latency_rows(latencies)
    console.print(report.table(f"0 ms upstream, a chunk per event, one at a time, {calls} calls a round", latency))
    console.print(f"{rounds} rounds: median (lowest to highest); CPU is per completion; ratio and difference by pairs")
    for case, loads in found.items():
        _judge(console, case, loads)
    p50 = latency[0].added
    console.print(f"aim: at most 1 ms added at p50; {_figure(p50)} ms: {report.met(median(p50) <= 1)}")


def _measured(console: Console, bench: Bench, cases: Sequence[Case], rounds: int, *, quick: bool) -> Found:
    found: Found = {case: [] for case in cases}
    with console.status(OPENING.name):
        _round(bench, OPENING, OPENING.seconds, swapped=False)
    for number in range(rounds):
        for case, loads in found.items():
            with console.status(f"round {number + 1} of {rounds}: {case.name}"):
                # Whoever goes second finds a warmer machine.
                swapped = (number + len(case.name)) % 2 == 1
                loads.append(_round(bench, case, case.seconds / 3 if quick else case.seconds, swapped=swapped))
    return found


def _round(bench: Bench, case: Case, seconds: float, *, swapped: bool) -> dict[str, Load]:
    bench.upstream.pace(case.pace)
    server, sides = bench.server.process.pid, reversed(bench.sides) if swapped else bench.sides
    held = dict.fromkeys(sides, (case.in_flight, seconds))
    if bench.routed:
        held[bench.routed] = (ROUTED_IN_FLIGHT, max(seconds, ROUTED_SECONDS))
    return {
        side.name: load(side, server, in_flight=number, warm_up=case.warm_up, seconds=lasting)
        for side, (number, lasting) in held.items()
    }


def _latencies(bench: Bench, calls: int) -> tuple[list[float], list[float]]:
    bench.upstream.pace(LATENCY)
    pairs = [(delay_to_get(bench.barest), delay_to_get(bench.ours)) for _ in range(calls)]
    return [bare for bare, _ in pairs], [our for _, our in pairs]


def _rows(case: Case, loads: Sequence[dict[str, Load]], side: str) -> list[Row]:
    def row(name: str, field: str) -> Row:
        return Row(name, *([getattr(each[of], field) for each in loads] for of in (side, "ours")))

    rows = [
        row("workers, CPU ms", "worker_ms"),
        row("Valkey, CPU ms", "redis_ms"),
        row("driver, CPU ms", "driver_ms"),
        row("completions/s", "rate"),
    ]
    if case.late is None:
        return rows
    return [*rows, Row("late, % of its time", *([100 * x for x in _late(case, loads, of)] for of in (side, "ours")))]


def _late(case: Case, loads: Sequence[dict[str, Load]], side: str) -> list[float]:
    """Returns, per round, the share of the upstream's own time by which the median answer came later than that."""
    return [each[side].took / case.pace.lasts - 1 for each in loads]


def _judge(console: Console, case: Case, loads: Sequence[dict[str, Load]]) -> None:
    ratios = _rows(case, loads, "barest")[0].ratios
    met = report.met(median(ratios) <= case.aim)
    console.print(f"aim: at most {case.aim:g} of the barest task's CPU, {case.name}; {_figure(ratios)}: {met}")
    if case.late is not None:
        late = _late(case, loads, "ours")
        met = report.met(median(late) <= case.late)
        console.print(f"aim: at most {case.late:.1%} late, {case.name}; {median(late):.2%} at the median: {met}")


def _figure(samples: Sequence[float]) -> str:
    low, high = report.interval(samples)
    return f"it is {median(samples):.2f} (95 %: {low:.2f} to {high:.2f})"


def _latency_rows(rounds: list[tuple[list[float], list[float]]]) -> list[Row]:
    def row(percent: int) -> Row:
        at = [[quantiles(side, n=100)[percent - 1] for side in sides] for sides in rounds]
        return Row(f"delay to get, p{percent} ms", [bare for bare, _ in at], [our for _, our in at])

    return [row(50), row(99)]


if __name__ == "__main__":
    main()
