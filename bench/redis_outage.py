"""Measures how often a busy worker takes its own scheduling for a Redis outage, and what a real outage costs.

`python bench/redis_outage.py [--calls N] [--quick]` starts Valkey (and Debian's Redis for TLS, where it is
installed) and busy processes, measures, prints what it found, and ends them. docs/benchmarks/redis-outage.md says how
and why.
"""

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report, secured
from bench.parts.redis_outage.busy import Calls
from tasks.local import valkey
from tasks.local.celery_nodes import ROOT
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.valkey import Valkey
from worker.errors import RedisUnavailable
from worker.health.health import percentile
from worker.store.store import SOCKET_TIMEOUT, Store

THREADS = 100
LIMITS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
TLS_LIMITS = (0.25, 1.0, 2.0)
BUSY = 3
"""Processes that are measured: both cores are full of them."""

BURNERS = 4
"""Processes that only compute, for Redis to be squeezed between."""

COLUMNS = ("calls", "gave up", "per million", "outages", "refused", "p50 ms", "p99 ms", "p99.9 ms", "longest ms")
LATER = 1000
_BURN = "while True: pass"
_PATIENCE = 60.0


@dataclass
class Run:
    """What some busy processes found with one limit."""

    calls: list[Calls] = field(default_factory=list)

    @property
    def took(self) -> list[int]:
        """Returns the microseconds of all calls that were answered, sorted."""
        return sorted(took for calls in self.calls for took in calls.took)

    @property
    def reasons(self) -> Counter[str]:
        """Returns why calls gave up."""
        return Counter(reason for calls in self.calls for reason in calls.gave_up)

    @property
    def made(self) -> int:
        """Returns how many calls were sent, answered or not."""
        return sum(len(calls.took) + len(calls.gave_up) for calls in self.calls)

    def line(self) -> list[str]:
        """Returns a line of the table, under `COLUMNS`."""
        took, gave_up, made = self.took, self.reasons.total(), self.made
        outages, refused = (sum(getattr(calls, name) for calls in self.calls) for name in ("outages", "refused"))
        times = [(percentile(took, share) or 0) / 1000 for share in (0.5, 0.99, 0.999, 1.0)]
        rate = f"{1_000_000 * gave_up / made:.0f}" if gave_up else f"0 of {made:,}"
        return [f"{made:,}", f"{gave_up:,}", rate, f"{outages:,}", f"{refused:,}", *(f"{each:,.0f}" for each in times)]


@click.command()
@click.option("--calls", default=100_000, show_default=True, type=click.IntRange(1), help="With the limit in use.")
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1.0), help="With any other limit.")
@click.option("--quick", is_flag=True, help="A few seconds of each, to see that it runs.")
def main(calls: int, seconds: float, quick: bool) -> None:
    """Measures false alarms about Redis, and what a real one costs."""
    console = report.console()
    logging.disable()
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
            _run(console, fleet, 1 if quick else calls, 3.0 if quick else seconds)
    except FleetError as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, fleet: Fleet, calls: int, seconds: float) -> None:
    server = valkey.start(fleet)
    with Redis.from_url(server.url) as admin:
        console.print(f"{report.machine('redis')}, {report.server(admin)}", soft_wrap=True)
    console.print(f"load of the last minute, ours not yet in it: {os.getloadavg()[0]:.0f}")
    _gone(console, server, 2 if seconds < 5 else 7)
    plain = {f"{limit:g} s": _measured(console, fleet, server.url, limit, seconds) for limit in LIMITS}
    in_use = plain[f"{SOCKET_TIMEOUT:g} s"]
    while in_use.made < calls:
        in_use.calls += _measured(console, fleet, server.url, SOCKET_TIMEOUT, seconds).calls
    _print(console, f"{BUSY} busy processes", plain)
    squeezed = _measured(console, fleet, server.url, SOCKET_TIMEOUT, seconds, busy=2, burners=BURNERS)
    _print(console, f"2 busy processes, {BURNERS} that only compute", {f"{SOCKET_TIMEOUT:g} s": squeezed})
    if missing := secured.missing():
        console.print(f"TLS was not measured; {missing}")
        return
    url = secured.start(fleet)
    over_tls = {f"{limit:g} s": _measured(console, fleet, url, limit, seconds) for limit in TLS_LIMITS}
    _print(console, f"{BUSY} busy processes, TLS", over_tls)


def _print(console: Console, title: str, runs: dict[str, Run]) -> None:
    console.print(report.grid(title, COLUMNS, {name: run.line() for name, run in runs.items()}))
    for name, run in runs.items():
        for reason, times in run.reasons.most_common():
            console.print(f"{name}: {times:,} times {reason}")


def _measured(
    console: Console, fleet: Fleet, url: str, limit: float, seconds: float, *, busy: int = BUSY, burners: int = 0
) -> Run:
    command = [sys.executable, "-m", "bench.parts.redis_outage.busy", url, str(limit), str(THREADS), str(seconds)]
    with console.status(f"{limit:g} s"):
        burning = [fleet.start(f"burner-{n}", [sys.executable, "-c", _BURN]) for n in range(burners)]
        working = [fleet.start(f"busy-{n}", command, cwd=ROOT) for n in range(busy)]
        for process in working:
            process.wait(seconds + _PATIENCE)
        for process in burning:
            process.kill()
    for process in (*working, *burning):
        fleet.processes.remove(process)
    run = Run([Calls(**json.loads(process.output())) for process in working])
    load = f"load of the last minute {os.getloadavg()[0]:.0f}"
    console.print(f"{limit:g} s: {run.reasons.total():,} of {run.made:,} calls gave up, {load}")
    return run


def _gone(console: Console, server: Valkey, rounds: int) -> None:
    process = server.process
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "hung": (lambda: process.signal(signal.SIGSTOP), lambda: process.signal(signal.SIGCONT)),
        "gone": (process.kill, process.start),
    }
    columns = ("first call, ms", f"slowest of {THREADS} at once, ms", "each later call, us")
    with console.status("without Redis"):
        outages = {name: [_outage(server, *way) for _ in range(rounds)] for name, way in ways.items()}
    lines = {name: [report.spread(samples) for samples in zip(*its, strict=True)] for name, its in outages.items()}
    console.print(report.grid(f"during a Redis outage, limit {SOCKET_TIMEOUT:g} s", columns, lines))


def _outage(server: Valkey, end: Callable[[], object], begin: Callable[[], object]) -> tuple[float, float, float]:
    one, many = Store(server.url, "outage", {}), Store(server.url, "outage", {})
    start = threading.Barrier(THREADS)

    def call(store: Store) -> float:
        since = time.perf_counter()
        with suppress(RedisUnavailable):
            store.run(("PING",))
        return time.perf_counter() - since

    def together(_: int) -> float:
        start.wait()
        return call(many)

    with ThreadPoolExecutor(THREADS) as pool:
        call(one)
        list(pool.map(together, range(THREADS)))  # so that all have a connection
        end()
        slowest = max(pool.map(together, range(THREADS)))
        first, later = call(one), median(call(one) for _ in range(LATER))
    begin()
    return 1000 * first, 1000 * slowest, 1_000_000 * later


if __name__ == "__main__":
    main()
