"""One fleet under an even load while its first provider fails: who is called how often, and what came of it."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from bench.kit.environment import inherited
from bench.kit.load import answers_of
from bench.kit.mortal import Manner
from bench.kit.serving import Mortal
from tasks.local import valkey
from tasks.local.celery_nodes import start_worker
from tasks.local.fleet import Fleet

PROVIDERS = ("first", "second", "third")
WORKERS, SLOTS = 2, 8
BEFORE = 5.0
"""Seconds of load before the provider fails."""

_PATIENCE = 90.0
_REQUEST = {"messages": [{"role": "user", "content": "Who is asked how often while the first provider fails?"}]}
_PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "{url}/v1"
api_key_env = ""
stream = false
models.default = {{ name = "bare" }}
"""
_CHAIN = """
[chains.default]
providers = ["first", "second", "third"]
"""


@dataclass(frozen=True)
class Storm:
    """What an outage came to.

    `completions` were queued while it lasted; `first` and `everybody` were called so often meanwhile, until all were
    answered. `postponed` counts retries that the budget held back, `took` the seconds from queueing to answer.
    """

    completions: int
    first: int
    everybody: int
    postponed: int
    unanswered: int
    took: tuple[float, ...]

    def line(self) -> list[str]:
        """Returns a line of the table."""
        counts = (self.completions, self.first, self.everybody, self.postponed, self.unanswered)
        ratios = (self.first / self.completions, self.everybody / self.completions)
        p95 = quantiles(self.took, n=20)[-1]
        return [
            *map(str, counts[:3]),
            *(f"{each:.2f}" for each in (*ratios, median(self.took), p95)),
            *map(str, counts[3:]),
        ]


def storm(folder: Path, breaker: str, manner: Manner, *, rate: float, seconds: float) -> Storm:
    """Starts a fleet, lets its first provider fail for so many seconds under `rate` completions a second, and ends it.

    Args:
        folder: where its files go.
        breaker: the table `[breaker]`, as TOML.
        manner: how the first provider fails.
        rate: completions a second.
        seconds: of the outage.

    Raises:
        BenchError: the run is worth nothing.
        FleetError: something did not come up.
    """
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, providers = valkey.start(fleet), [Mortal.start(fleet, name) for name in PROVIDERS]
        file = folder / "fallback.toml"
        tables = [_PROVIDER.format(name=n, url=each.url) for n, each in zip(PROVIDERS, providers, strict=True)]
        file.write_text("".join([breaker, *tables, _CHAIN]), encoding="utf-8")
        fleet.environment |= {"FALLBACK_CONFIG": str(file), **server.environment}
        for number in range(WORKERS):
            start_worker(fleet, f"worker{number}", queues=["completions"], concurrency=SLOTS)
        app = Celery("elsewhere", broker=server.url, backend=server.url)
        stack.callback(app.close)
        answers_of(_queue(app, rate, BEFORE), _PATIENCE)
        for each in providers[1:]:
            each.turn(Manner())
        providers[0].turn(manner)
        work = _queue(app, rate, seconds)
        answers = answers_of(work, _PATIENCE)
        calls = [len(each.state().arrivals) for each in providers]
    return _storm(len(work), calls, answers)


def _queue(app: Celery, rate: float, seconds: float) -> list[AsyncResult]:
    complete = app.signature("fallback.complete", queue="completions", priority=6)
    begin, queued = time.monotonic(), list[AsyncResult]()
    while (due := begin + len(queued) / rate) < begin + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        queued.append(complete.delay(_REQUEST))
    return queued


def _storm(completions: int, calls: Sequence[int], answers: Sequence[dict[str, Any]]) -> Storm:
    reports = [answer["fallback"] for answer in answers]
    postponed = sum(line["reason"] == "retry-budget" for report in reports for line in report["attempts"])
    took = tuple(report["elapsed_ms"] / 1000 for report in reports)
    return Storm(completions, calls[0], sum(calls), postponed, completions - len(answers), took)
