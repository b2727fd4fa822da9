"""Measures what a completion costs here, against the barest Celery task that reads the same stream.

`python bench/worker.py [--rounds N] [--quick]` starts Valkey, an upstream and two worker processes for each of the
two tasks, measures them in turn, prints what it found, and ends all of it. docs/benchmarks/worker.md says how and why.
"""

import os
import sys
import tempfile
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
from bench.kit.upstream import Pace
from bench.parts.worker.sides import Bench
from tasks.local.errors import FleetError

IN_FLIGHT = 100
LOADS = {
    "200 ms upstream, a chunk per event": Pace(0.2, "chunks"),
    "0 ms upstream, a chunk per event": Pace(0.0, "chunks"),
    "200 ms upstream, one chunk in all": Pace(0.2, "block"),
    "0 ms upstream, one chunk in all": Pace(0.0, "block"),
}
PLAIN_LOADS = {"200 ms upstream, plain": Pace(0.2), "0 ms upstream, plain": Pace(0.0)}
PLAIN_AIM = 1.15
_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")
TOKENS = "token by token, 20 ms apart, 20 in flight"
LATENCY = Pace(0.0, "chunks")

Pair = tuple[Load, Load]


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
@click.option("--tokens", is_flag=True, help="Also token by token; some minutes more.")
def main(rounds: int, quick: bool, tokens: bool) -> None:
    """Measures this project's task against the barest one."""
    if foreign := sorted(name for name in os.environ if name.startswith("FALLBACK_")):
        raise click.ClickException(f"the defaults are what is measured; unset {', '.join(foreign)}")
    console = report.console()
    try:
        with ExitStack() as stack:
            bench = Bench.start(Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
            with Redis.from_url(bench.server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            _run(console, bench, 1 if quick else rounds, quick=quick, tokens=tokens)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, bench: Bench, rounds: int, *, quick: bool, tokens: bool) -> None:
    seconds, calls = (1.0, 40) if quick else (3.0, 200)
    loads: dict[str, list[Pair]] = {name: [] for name in (*LOADS, *([TOKENS] if tokens else []))}
    latencies: list[tuple[list[float], list[float]]] = []
    _open(console, bench)
    for number in range(rounds):
        for name, pairs in loads.items():
            with console.status(f"round {number + 1} of {rounds}: {name}"):
                # Whoever goes second finds a warmer machine.
                swapped = (number + len(name)) % 2 == 1
                if name == TOKENS:
                    pairs.append(_pair(bench, Pace(0.0, "tokens", 0.02), 20, 7.0, 12.0, swapped=swapped))
                else:
                    pairs.append(_pair(bench, LOADS[name], IN_FLIGHT, 0.7, seconds, swapped=swapped))
        with console.status(f"round {number + 1} of {rounds}: latency"):
            latencies.append(_latencies(bench, calls))
    plain = _plain(console, bench.plainly(), rounds, seconds)
    for name, pairs in (loads | plain).items():
        console.print(report.table(name if name == TOKENS else f"{name}, {IN_FLIGHT} in flight", _rows(pairs)))
    latency = _latency_rows(latencies)
    console.print(report.table(f"0 ms upstream, a chunk per event, one at a time, {calls} calls a round", latency))
    console.print(f"{rounds} rounds: median (lowest to highest); CPU is per completion; ratio and difference by pairs")
    _judge(console, _worst(loads), _worst(plain), latency[0])


def _plain(console: Console, bench: Bench, rounds: int, seconds: float) -> dict[str, list[Pair]]:
    loads: dict[str, list[Pair]] = {name: [] for name in PLAIN_LOADS}
    _open(console, bench)
    for number in range(rounds):
        for name, pairs in loads.items():
            with console.status(f"round {number + 1} of {rounds}: {name}"):
                pairs.append(_pair(bench, PLAIN_LOADS[name], IN_FLIGHT, 0.7, seconds, swapped=number % 2 == 1))
    return loads


def _open(console: Console, bench: Bench) -> None:
    with console.status("opening connections"):
        _pair(bench, Pace(0.2), IN_FLIGHT, 1.0, 1.0, swapped=False)


def _worst(loads: dict[str, list[Pair]]) -> float:
    return max(median(_rows(pairs)[0].ratios) for pairs in loads.values())


def _judge(console: Console, cpu: float, plain: float, p50: Row) -> None:
    added, met = median(p50.added), report.met
    console.print(f"aim: at most the barest task's own CPU; it is {cpu:.2f} of it at worst: {met(cpu <= 1)}")
    console.print(f"aim: at most {PLAIN_AIM} of it without a stream; it is {plain:.2f}: {met(plain <= PLAIN_AIM)}")
    console.print(f"aim: at most 1 ms added at p50; it is {added:.2f} ms: {met(added <= 1)}")


def _pair(bench: Bench, pace: Pace, in_flight: int, warm_up: float, seconds: float, *, swapped: bool) -> Pair:
    bench.upstream.pace(pace)
    server = bench.server.process.pid
    sides = (bench.ours, bench.barest) if swapped else (bench.barest, bench.ours)
    loads = {side: load(side, server, in_flight=in_flight, warm_up=warm_up, seconds=seconds) for side in sides}
    return loads[bench.barest], loads[bench.ours]


def _latencies(bench: Bench, calls: int) -> tuple[list[float], list[float]]:
    bench.upstream.pace(LATENCY)
    pairs = [(delay_to_get(bench.barest), delay_to_get(bench.ours)) for _ in range(calls)]
    return [bare for bare, _ in pairs], [our for _, our in pairs]


def _rows(pairs: list[Pair]) -> list[Row]:
    def row(name: str, field: str) -> Row:
        return Row(name, *([getattr(pair[side], field) for pair in pairs] for side in (0, 1)))

    return [
        row("workers, CPU ms", "worker_ms"),
        row("Valkey, CPU ms", "redis_ms"),
        row("driver, CPU ms", "driver_ms"),
        row("completions/s", "rate"),
    ]


def _latency_rows(rounds: list[tuple[list[float], list[float]]]) -> list[Row]:
    def row(percent: int) -> Row:
        at = [[quantiles(side, n=100)[percent - 1] for side in sides] for sides in rounds]
        return Row(f"delay to get, p{percent} ms", [bare for bare, _ in at], [our for _, our in at])

    return [row(50), row(99)]


if __name__ == "__main__":
    main()
