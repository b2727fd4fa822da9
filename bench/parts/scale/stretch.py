"""One stretch: a fresh worker, a number of calls in flight, held by drivers; what each completion came to."""

import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import Any, Self

import psutil

from bench.kit.serving import Upstream
from bench.kit.upstream import Pace
from bench.parts.scale.driver import Call, Order, drive
from bench.parts.scale.sides import Side
from config.bulkheads import Bulkheads
from tasks.local.process import Process

RATE = 40
"""Completions per second at every number in flight: n in flight are answered after n / 40 s.

At the same rate CPU per completion can be compared: what a worker does once a second, and what it does for several
messages at once, weighs the same. And one process can do it: 500 in flight for 2 s each would take more than a core.
"""

_KEPT = 20
"""Completions whose keys are looked for."""


@dataclass(frozen=True)
class Stretch:
    """What a stretch came to. CPU, commands, reads and bytes are per completion, memory per call in flight.

    `unanswered` are the calls of the whole stretch that failed, or had no result a minute after its end.
    `late` are milliseconds from before `.delay()` to the result, less the upstream's own time. `reads` are the requests
    that the server read from sockets. `share` is `kept` against the plain answer's JSON.
    """

    rate: float
    worker_ms: float
    memory_mb: float
    connections: int
    late_p50: float
    late_p99: float
    redis_ms: float
    commands: float
    reads: float
    kept: float
    share: float
    unanswered: int


def paced(in_flight: int, together: int) -> Pace:
    """Returns the pace at which so many in flight are `RATE` a second, in streams of so many tokens a write."""
    pace = Pace(coding="tokens", together=together)
    interval = in_flight / RATE / pace.writes
    return replace(pace, delay=interval, interval=interval)


def measure(
    side: Side, upstream: Upstream, drivers: Sequence[Executor], in_flight: int, together: int, seconds: float
) -> Stretch:
    """Returns what a side does with so many calls in flight, held for so many seconds; `together` as in `Pace`.

    What is counted per completion is not a number where hardly one was answered.

    Raises:
        FleetError: the worker did not come up.
    """
    # Beside them a share of the slots is kept for urgent completions.
    worker = side.worker(math.ceil(in_flight / (1 - Bulkheads().urgent_share)))
    try:
        upstream.pace(Pace())
        # Loads and opens what the first call does, in the worker and in the drivers.
        for driver in drivers:
            driver.submit(drive, Order(side.server.url, 1, time.monotonic(), 0.1, 0.1)).result()
        idle = psutil.Process(worker.pid).memory_info().rss
        upstream.pace(paced(in_flight, together))
        return _held(side, worker, drivers, in_flight, seconds, idle)
    finally:
        worker.stop()


def _held(
    side: Side, worker: Process, drivers: Sequence[Executor], in_flight: int, seconds: float, idle: int
) -> Stretch:
    # The first of the ramp are answered at its end; a fifth more, and the streams are spread evenly.
    upstream_s = in_flight / RATE
    ramp = max(upstream_s, 1.0)
    starts_at, settled = time.monotonic() + 0.5, 0.2 * ramp + 1.0
    order = Order(side.server.url, in_flight // len(drivers), starts_at, ramp, settled + seconds + 0.5)
    driven = [driver.submit(drive, order) for driver in drivers]
    time.sleep(starts_at + ramp + settled - time.monotonic())
    before = _Standing.of(side, worker)
    time.sleep(seconds)
    after = _Standing.of(side, worker)
    connections = side.connections(worker)
    calls = [call for future in driven for call in future.result().calls]
    answered = [call for call in calls if before.at <= call.answered_at < after.at]
    number, late, kept, plain = math.nan, [math.nan] * 99, math.nan, math.nan
    if len(answered) >= _KEPT:
        number, late = len(answered), quantiles([1000 * (call.took - upstream_s) for call in answered], n=100)
        kept, plain = _kept(side, answered[-_KEPT:])
    return Stretch(
        rate=len(answered) / (after.at - before.at),
        worker_ms=1000 * (after.worker - before.worker) / number,
        memory_mb=(max(before.rss, after.rss) - idle) / 2**20 / in_flight,
        connections=connections,
        late_p50=late[49],
        late_p99=late[98],
        redis_ms=1000 * (after.redis - before.redis) / number,
        commands=(after.commands - before.commands) / number,
        reads=(after.reads - before.reads) / number,
        kept=kept,
        share=kept / plain,
        unanswered=sum(future.result().unanswered for future in driven),
    )


@dataclass(frozen=True)
class _Standing:
    at: float
    worker: float
    redis: float
    rss: int
    commands: int
    reads: int

    @classmethod
    def of(cls, side: Side, worker: Process) -> Self:
        process, info = psutil.Process(worker.pid), side.redis.info("stats")
        return cls(
            time.monotonic(),
            _cpu(worker.pid),
            _cpu(side.server.process.pid),
            process.memory_info().rss,
            info["total_commands_processed"],
            info["total_reads_processed"],
        )


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _kept(side: Side, calls: Sequence[Call]) -> tuple[float, float]:
    """Returns the bytes per completion of the keys that name one, and those of its plain answer as JSON."""
    ids, plain = [call.task_id.encode() for call in calls], 0
    own = [key for key in side.redis.scan_iter(count=1000) if any(task_id in key for task_id in ids)]
    kept = sum(side.redis.memory_usage(key, samples=0) or 0 for key in own)
    for call in calls:
        meta: dict[str, Any] = json.loads(side.redis.get(f"celery-task-meta-{call.task_id}"))
        answer = {name: value for name, value in meta["result"].items() if name != "fallback"}
        plain += len(json.dumps(answer))
    return kept / len(calls), plain / len(calls)
