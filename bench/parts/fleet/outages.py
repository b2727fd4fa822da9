"""A growing fleet, and what happens when the provider that everybody asks fails."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from celery import Celery
from celery.result import AsyncResult

from bench.kit.environment import inherited
from bench.kit.load import BenchError, answers_of
from bench.kit.mortal import Manner
from bench.kit.serving import Mortal
from config import settings
from tasks.local import valkey
from tasks.local.celery_nodes import start_worker
from tasks.local.fleet import Fleet
from tasks.local.valkey import Valkey
from worker.admission.breaker import control, snapshot
from worker.store.store import Store
from worker.telemetry import events

SLOTS = 4
"""Calls that one worker process has in flight."""

COOLDOWN = 2.5
AT_ONCE = 50
ANSWERED, LEFT = 3, 3
"""Completions per slot before the outage, and from then on: more than the failed provider had under way."""

_PATIENCE = 30.0
_POLL = 0.01
_OPEN = "circuit-breaker-open"
_FAILED, _SPARE = "first", "second"
_REQUEST = {"messages": [{"role": "user", "content": "Who answers when the first provider has failed?"}]}
_PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "{url}/v1"
api_key_env = ""
stream = false
models.default = {{ name = "bare" }}
"""
_CHAIN = f"""
[breaker]
cooldown_period = {COOLDOWN}
[chains.default]
providers = ["{_FAILED}", "{_SPARE}"]
failover = "at-once"
retry = {{ max_retries = 0 }}
"""


@dataclass(frozen=True)
class Outage:
    """What came of the provider's outage under full load.

    Of the fleet's `slots`, `under_way` had a call at the provider then. `reached` calls arrived after that, the last
    after `last_ms`; `failed` are those, and the ones that were cut. The breaker was open after `opened_ms`, by failure
    number `to_open`. `unanswered` of `completions` failed.
    """

    slots: int
    under_way: int
    reached: int
    failed: int
    to_open: int
    opened_ms: float
    last_ms: float
    completions: int
    unanswered: int


@dataclass(frozen=True)
class Return:
    """What came of 50 completions at the cooldown's end.

    `reached` calls arrived at the failed provider; `refused` counts why the others were not let through; `unanswered`
    failed.
    """

    reached: int
    refused: Counter[str]
    unanswered: int


@dataclass
class Bench:
    """What runs. The producer knows the task by its name alone."""

    server: Valkey
    threshold: int
    _fleet: Fleet
    _failing: Mortal
    _store: Store
    _app: Celery
    _workers: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, stack: ExitStack) -> Self:
        """Starts everything but workers; it ends with the stack.

        Raises:
            FleetError: something did not come up.
        """
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, providers = valkey.start(fleet), {name: Mortal.start(fleet, name) for name in (_FAILED, _SPARE)}
        file = folder / "fallback.toml"
        tables = [_PROVIDER.format(name=name, url=provider.url) for name, provider in providers.items()]
        file.write_text("".join([*tables, _CHAIN]), encoding="utf-8")
        fleet.environment |= {"FALLBACK_CONFIG": str(file), **server.environment}
        read = settings.load(fleet.environment)
        app = Celery("elsewhere", broker=server.url, backend=server.url)
        stack.callback(app.close)
        store = Store(server.url, read.namespace, read.providers)
        stack.callback(store.close)
        return cls(server, read.providers[_FAILED].breaker.failure_threshold, fleet, providers[_FAILED], store, app)

    def grow(self, processes: int) -> None:
        """Starts workers until there are so many.

        Raises:
            FleetError: one did not come up.
        """
        while len(self._workers) < processes:
            self._workers.append(f"worker{len(self._workers) + 1}")
            start_worker(self._fleet, self._workers[-1], queues=["completions"], concurrency=SLOTS)

    def fail(self, manner: Manner) -> Outage:
        """Lets the provider fail under full load.

        Raises:
            BenchError: this outage is worth nothing.
        """
        self._revive()
        slots, (since, _) = SLOTS * len(self._workers), events.since(self._store)
        work = self._queue(slots * (ANSWERED + LEFT))
        self._await_arrivals(slots * ANSWERED)
        before = self._failing.turn(manner)
        answers, arrivals = answers_of(work, _PATIENCE), self._failing.state().arrivals
        to_open, opened = self._opened(since)
        return Outage(
            slots=slots,
            under_way=before.under_way,
            reached=len(arrivals),
            failed=len(arrivals) + (before.under_way if manner.kind == "resetting" else 0),
            to_open=to_open,
            opened_ms=opened - 1000 * before.epoch,
            last_ms=1000 * (max(arrivals, default=before.at) - before.at),
            completions=len(work),
            unanswered=len(work) - len(answers),
        )

    def ask_again(self, manner: Manner) -> Return:
        """Waits for the cooldown's end, and queues many completions at once.

        Raises:
            BenchError: this return is worth nothing.
        """
        self._failing.turn(manner)
        time.sleep(self._cooldown())
        answers = answers_of(self._queue(AT_ONCE), _PATIENCE)
        self._cooldown()
        return Return(len(self._failing.state().arrivals), _refused(answers), AT_ONCE - len(answers))

    def _revive(self) -> None:
        self._failing.turn(Manner())
        control(self._store, _FAILED, "reset", by="bench")

    def _queue(self, completions: int) -> list[AsyncResult]:
        complete = self._app.signature("fallback.complete", queue="completions", priority=6)
        return [complete.delay(_REQUEST) for _ in range(completions)]

    def _await_arrivals(self, calls: int) -> None:
        until = time.monotonic() + _PATIENCE
        while len(self._failing.state().arrivals) < calls:
            if time.monotonic() > until:
                raise BenchError("the workers do not ask the first provider")
            time.sleep(_POLL)

    def _opened(self, since: str) -> tuple[int, int]:
        """Returns the failures that were recorded until the breaker opened, and when that was, epoch in ms."""
        _, entries = events.since(self._store, since)
        kinds = [entry["type"] for entry in entries]
        if kinds.count(_OPEN) != 1:
            raise BenchError(f"the breaker opened {kinds.count(_OPEN)} times under load, not once")
        place = kinds.index(_OPEN)
        # The event of the failure that opens it comes after that of the opening.
        return kinds[:place].count("request-failure") + 1, int(entries[place]["at_ms"])

    def _cooldown(self) -> float:
        """Returns the seconds until the breaker lets a call through."""
        breaker = snapshot(self._store, [_FAILED])[0]
        left = breaker.open_until - breaker.now
        if breaker.state != "open" or left <= 0:
            raise BenchError("the machine is too busy: a cooldown passed before all was answered")
        return left


def _refused(answers: Sequence[dict[str, Any]]) -> Counter[str]:
    considered = (attempt for answer in answers for attempt in answer["fallback"]["attempts"])
    return Counter(attempt["reason"] for attempt in considered if attempt["outcome"] == "skipped")
