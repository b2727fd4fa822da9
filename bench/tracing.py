"""Measures what OpenTelemetry's traces cost a worker, in CPU per completion.

`python bench/tracing.py [--rounds N] [--quick]` starts Valkey, an upstream, a collector that keeps nothing and two
workers for each side, traces off and on, measures the sides in turn, prints what it found, and ends all of it.
docs/benchmarks/tracing.md says how and why.
"""

import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self
from uuid import uuid4

import click
from celery import Celery
from celery.result import AsyncResult
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.environment import inherited
from bench.kit.load import BenchError, Load, Side, load
from bench.kit.report import Row
from bench.kit.serving import Upstream
from bench.kit.upstream import Pace
from tasks.local import commands, valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers, writes
from tasks.local.valkey import Valkey

WORKERS, IN_FLIGHT, WARM_UP, SECONDS = 2, 100, 0.7, 3.0
CASES = {
    "200 ms upstream, a chunk per event": Pace(0.2, "chunks"),
    "0 ms upstream, one chunk in all": Pace(0.0, "block"),
}
_PACKAGES = ("celery", "redis", "httpx", "opentelemetry-sdk")
_REQUEST = {"messages": [{"role": "user", "content": "Tell the story of the night shift in two hundred words."}]}


@dataclass(frozen=True)
class Bench:
    """What runs; each side has a database of its own on the one server."""

    server: Valkey
    upstream: Upstream
    collector: str
    sides: tuple[Side, Side]

    @classmethod
    def start(cls, folder: Path, stack: ExitStack) -> Self:
        """Starts everything; it ends with the stack.

        Raises:
            FleetError: something did not come up.
        """
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, upstream, port = valkey.start(fleet), Upstream.start(fleet), free_port()
        command = [sys.executable, "-m", "bench.kit.swallower", "--port", str(port)]
        fleet.start("collector", command, ready=http_answers(port, "/"), cwd=ROOT)
        fleet.environment |= {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "bench"}
        collector = f"http://127.0.0.1:{port}"
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}
        sides = _side(fleet, server, "off", 0, {}), _side(fleet, server, "on", 1, on)
        return cls(server, upstream, collector, sides)

    def taken(self) -> int:
        """Returns how many bytes of spans the collector has taken."""
        with urllib.request.urlopen(self.collector) as response:
            return int(response.read())


def _side(fleet: Fleet, server: Valkey, name: str, database: int, traces: Mapping[str, str]) -> Side:
    url = f"redis://127.0.0.1:{server.port}/{database}"
    app = Celery(name, broker=url, backend=url, set_as_current=False)
    environment = {"REDIS_URL": url, **traces}
    workers = [
        fleet.start(
            f"{name}{number}",
            commands.worker(f"{name}{number}", queues=["completions"]),
            ready=writes(" ready."),
            environment=environment,
            cwd=ROOT,
            within=60.0,
        )
        for number in range(WORKERS)
    ]
    return Side(name, app, _asking(app), tuple(worker.pid for worker in workers))


def _asking(app: Celery) -> Callable[[], AsyncResult]:
    def ask() -> AsyncResult:
        # As of a producer that traces; without traces nobody reads it.
        headers = {"traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"}
        return app.send_task("fallback.complete", (_REQUEST,), queue="completions", priority=6, headers=headers)

    return ask


@click.command()
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1, 100), help="Pairs of each case.")
@click.option("--quick", is_flag=True, help="One short round, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures a worker with traces against one without."""
    console = report.console()
    try:
        with ExitStack() as stack:
            bench = Bench.start(Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
            with Redis.from_url(bench.server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            _run(console, bench, 1 if quick else rounds, SECONDS / 3 if quick else SECONDS)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, bench: Bench, rounds: int, seconds: float) -> None:
    found: dict[str, list[dict[str, Load]]] = {name: [] for name in CASES}
    with console.status("opening connections"):
        _round(bench, Pace(0.2), 1.0, swapped=False)
    for number in range(rounds):
        for case, pace in CASES.items():
            with console.status(f"round {number + 1} of {rounds}: {case}"):
                # Whoever goes second finds a warmer machine.
                found[case].append(_round(bench, pace, seconds, swapped=number % 2 == 1))
    if not bench.taken():
        raise BenchError("no span came: is the extra `otel` installed?")
    for case, loads in found.items():
        rows = [_row("workers, CPU ms", "worker_ms", loads), _row("Valkey, CPU ms", "redis_ms", loads)]
        rows.append(_row("completions/s", "rate", loads))
        console.print(report.table(f"{case}, {IN_FLIGHT} in flight", rows, ("traces off", "traces on")))
        low, high = report.interval(rows[0].ratios)
        ratio = f"{median(rows[0].ratios):.3f} (95 %: {low:.3f} to {high:.3f})"
        console.print(f"CPU with traces / without, {case}: {ratio}")
    console.print(f"{rounds} pairs: median (lowest to highest); CPU is per completion; ratio and difference by pairs")


def _round(bench: Bench, pace: Pace, seconds: float, *, swapped: bool) -> dict[str, Load]:
    bench.upstream.pace(pace)
    server, sides = bench.server.process.pid, reversed(bench.sides) if swapped else bench.sides
    return {side.name: load(side, server, in_flight=IN_FLIGHT, warm_up=WARM_UP, seconds=seconds) for side in sides}


def _row(name: str, field: str, loads: list[dict[str, Load]]) -> Row:
    return Row(name, *([getattr(each[side], field) for each in loads] for side in ("off", "on")))


if __name__ == "__main__":
    main()
