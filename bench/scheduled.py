"""Measures what completions that are due later cost a worker: its memory, and the time of completions beside them.

`python bench/scheduled.py [--count N] [--bytes N]` starts Valkey, an upstream and a worker, measures, prints what it
found, and ends them. docs/benchmarks/scheduled.md says how and why.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil
from celery import Celery
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.environment import inherited
from bench.kit.load import BenchError
from bench.kit.serving import Upstream
from tasks.local import valkey
from tasks.local.celery_nodes import start_worker
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.process import Process

FRESH = 200
"""Completions that are timed, one by one."""

RUSH = 1000
"""Completions that are due at one instant."""

LATER = 3600
"""Seconds until the delayed ones are due: after the end of the run."""

PATIENCE = 300.0
_PACKAGES = ("celery", "kombu", "redis")
_LISTS = ("completions", *(f"completions\x06\x16{priority}" for priority in (3, 6, 9)))


@click.command()
@click.option(
    "--count", default=5000, show_default=True, type=click.IntRange(1), help="Completions that are due later."
)
@click.option("--bytes", "size", default=20_000, show_default=True, type=click.IntRange(1), help="Of each prompt.")
def main(count: int, size: int) -> None:
    """Measures a worker with and without completions that are due later."""
    console = report.console()
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder), inherited()) as fleet:
            _run(console, fleet, count, size)
    except (BenchError, FleetError) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, fleet: Fleet, count: int, size: int) -> None:
    server, upstream = valkey.start(fleet), Upstream.start(fleet)
    vendor = {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "bench", "REDIS_URL": server.url}
    worker = start_worker(fleet, "worker", environment=vendor)
    app = Celery("elsewhere", broker=server.url, backend=server.url, set_as_current=False)
    # Without results: Celery subscribes to each, and the first `get` would read thousands of confirmations.
    blind = Celery("blind", broker=server.url, set_as_current=False)
    with app, blind, Redis.from_url(server.url) as redis:
        console.print(f"{report.machine(*_PACKAGES)}, {report.server(redis)}", soft_wrap=True)
        _timed(app, FRESH)
        fresh, idle = _timed(app, FRESH), _memory(worker)
        for _ in range(count):
            _queue(blind, "x" * size, countdown=LATER)
        taken = _until(lambda: not redis.exists(*_LISTS))
        beside, held = _timed(app, FRESH), _memory(worker)
        at = datetime.now(UTC) + timedelta(seconds=20)
        due = [_queue(blind, "x" * size, eta=at) for _ in range(RUSH)]
        peak, done = _rush(redis, worker, [f"celery-task-meta-{each.id}" for each in due])
    lines = {
        "without any": [f"{idle:.0f}", *_columns(fresh)],
        f"with {count:,}": [f"{held:.0f}", *_columns(beside)],
    }
    columns = ("worker, MB", "fresh: p50 ms", "longest ms")
    console.print(report.grid(f"{count:,} of {size:,} bytes, due in an hour", columns, lines))
    console.print(f"the last of them was out of the queue {taken:.1f} s after it was published")
    console.print(
        f"{RUSH:,} due at one instant: {peak:.0f} MB at most, all answered {done - at.timestamp():.1f} s after it"
    )


def _queue(app: Celery, prompt: str, **options: Any) -> Any:
    request = {"messages": [{"role": "user", "content": prompt}]}
    return app.send_task("fallback.complete", (request,), queue="completions", priority=6, **options)


def _timed(app: Celery, number: int) -> list[float]:
    """Returns the milliseconds of completions that are due at once."""
    took = []
    for _ in range(number):
        started = time.perf_counter()
        _queue(app, "Say hello.").get(timeout=PATIENCE)
        took.append(1000 * (time.perf_counter() - started))
    return took


def _columns(took: list[float]) -> list[str]:
    return [f"{median(took):.1f}", f"{max(took):.0f}"]


def _memory(worker: Process) -> float:
    return float(psutil.Process(worker.pid).memory_info().rss / 1_000_000)


def _until(holds: Callable[[], bool]) -> float:
    """Returns the seconds until something holds."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > PATIENCE:
            raise BenchError(f"gave up after {PATIENCE:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - started


def _rush(redis: Redis, worker: Process, results: list[str]) -> tuple[float, float]:
    """Returns the most memory of the worker until all results are there, and the epoch at which they were."""
    peak = 0.0

    def ended() -> bool:
        nonlocal peak
        peak = max(peak, _memory(worker))
        return redis.exists(*results) == len(results)

    _until(ended)
    return peak, time.time()


if __name__ == "__main__":
    main()
