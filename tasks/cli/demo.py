"""`fallback demo`: retries, failover and the breaker on real processes, in about half a minute."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from celery.result import AsyncResult
from rich.console import Console
from rich.table import Table

from config.settings import load
from tasks.celery import app, settings
from tasks.cli.up import start_nodes
from tasks.completion import complete
from tasks.local import llama, llmock, valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from worker.admission import breaker
from worker.store.store import Store
from worker.task.journal import SKIPPED
from worker.telemetry.events import START, Event, since

COOLDOWN = 5
PRIMARY, SECOND = "claude", "llama_cpp"
_ANSWER_WITHIN = 60.0
_OVERLOADED = {
    "type": "fail",
    "status": 529,
    "retry_after": 0,
    "times": None,
    "match": {"provider": "anthropic", "path": "*/messages"},
}
_CHANGES = ["circuit-breaker-open", "circuit-breaker-half-open", "circuit-breaker-closed"]
_WIDTH = 110

Result = dict[str, Any]


@click.command()
@click.option(
    "--run-dir", default=".run/demo", show_default=True, type=click.Path(path_type=Path), help="Data and logs."
)
def demo(run_dir: Path) -> None:
    """Shows a fleet whose primary provider fails: retries, failover, the breaker opening and closing again."""
    # SIGTERM ends the command as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, soft_wrap=False)
    shutil.rmtree(run_dir, ignore_errors=True)
    try:
        # The demo shows the defaults, without the changes of this shell.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FALLBACK_")}
        with Fleet(run_dir, environment) as fleet:
            _Demo(console, *_start(console, fleet)).run()
    except (FleetError, AssertionError) as exc:
        raise click.ClickException(f"{exc} (logs: {run_dir})") from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _start(console: Console, fleet: Fleet) -> tuple[Store, LLMock]:
    console.print(
        f"[bold]Starting[/] Valkey, llama.cpp with SmolLM2-135M, simulated vendors, workers, beat in {fleet.folder}"
    )
    server = valkey.start(fleet)
    vendors = llmock.start(fleet)
    for name, provider in load(fleet.environment).providers.items():
        if name == PRIMARY or (provider.missing and name != SECOND):
            why = (
                f"{provider.missing}: {provider.api_key_env} is not set" if provider.missing else "it must fail on cue"
            )
            console.print(f"  {name} is simulated ({why})")
            fleet.environment |= {v: vendors.environment[v] for v in (provider.base_url_env, provider.api_key_env)}
    console.print("  llama_cpp is a real llama.cpp server with a real model on this machine")
    console.print(f"  settings are the defaults, but for the breaker's cooldown: {COOLDOWN} s instead of 60 s\n")
    fleet.environment |= server.environment | llama.start(fleet, alias="SmolLM2-135M-Instruct").environment
    fleet.environment["FALLBACK_BREAKER__COOLDOWN_PERIOD"] = str(COOLDOWN)
    start_nodes(fleet, workers=2)
    app.conf.update(broker_url=server.url, result_backend=server.url)
    return Store(server.url, settings.namespace, settings.providers), vendors


class _Demo:
    """The steps of the demo; each line comes from a result's attempts or from the event stream."""

    def __init__(self, console: Console, store: Store, vendors: LLMock) -> None:
        self._console = console
        self._store = store
        self._vendors = vendors
        self._results: list[Result] = []
        self._last = START
        self._events: list[Event] = []

    def run(self) -> None:
        """Runs the steps.

        Raises:
            AssertionError: the results and the journal of the simulated vendors differ.
        """
        self._ask("The primary answers", "Say hello to the night shift.")
        self._vendors.script(_OVERLOADED)
        failover = self._ask(
            "The primary answers 529: its retries are exhausted, then the next provider", "Why is the sky blue?"
        )
        self._console.print(f'  answer of {failover["fallback"]["provider"]}: "{_text(failover)}"\n', markup=False)
        self._ask("The fifth failure opens the breaker: no more retries there", "Name a colour of the sea.")
        self._ask("The next request skips the primary at no cost", "Name a colour of the sun.")
        self._vendors.clear_script()
        self._console.print("[bold]The primary works again[/]; its breaker stays open until the cooldown ends ...")
        self._wait_for_cooldown()
        self._ask("Half-open: one request tries it", "Say one word.")
        self._ask("A second success closes the breaker", "Say another word.")
        self._check()

    def _ask(self, title: str, prompt: str) -> Result:
        queued: AsyncResult[Result] = complete.delay(
            {"messages": [{"role": "user", "content": prompt}], "max_tokens": 40}
        )
        with self._console.status(title):
            result = queued.get(timeout=_ANSWER_WITHIN)
        self._results.append(result)
        events = self._new_events()
        self._console.print(_table(title, result, events))
        for event in events:
            if event["type"].startswith("circuit-breaker"):
                cause = f" ({event['cause']}, {event['failures']} in a row)" if "cause" in event else ""
                self._console.print(f"  event: {event['provider']} {event['type']}{cause}")
        self._console.print()
        return result

    def _new_events(self) -> list[Event]:
        self._last, events = since(self._store, self._last)
        self._events += events
        return events

    def _wait_for_cooldown(self) -> None:
        snapshot = breaker.snapshot(self._store, [PRIMARY])[0]
        with self._console.status("in progress"):
            time.sleep(max(0.0, snapshot.open_until - snapshot.now) + 0.1)

    def _check(self) -> None:
        changes = [event["type"] for event in self._events if event["type"].startswith("circuit-breaker")]
        if changes != _CHANGES:
            raise AssertionError(f"the breaker of {PRIMARY} should have reported {_CHANGES}, but reported {changes}")
        answered = [result["fallback"]["provider"] for result in self._results]
        if answered != [PRIMARY, *[SECOND] * 3, *[PRIMARY] * 2]:
            raise AssertionError(f"not the providers expected: {answered}")
        attempts = [a for r in self._results for a in r["fallback"]["attempts"] if a["provider"] == PRIMARY]
        asked = [a for a in attempts if a["outcome"] != SKIPPED]
        received = [r for r in self._vendors.requests() if r["method"] == "POST" and r["provider"] == "anthropic"]
        reported = (len(asked), sum(a["status"] == 529 for a in asked), _failures(self._events))
        journal = (len(received), *[sum(r["status"] == 529 for r in received)] * 2)
        if reported != journal:
            raise AssertionError(
                f"calls, failures, failure events of {PRIMARY}: reported {reported}, but its journal has {journal}"
            )
        self._console.print(
            f"[bold]Checked[/]: {PRIMARY}'s own journal counts {journal[0]} calls, {journal[1]} of them answered 529; "
            "so do the results and the event stream."
        )


def _failures(events: Iterable[Event]) -> int:
    return sum(event["type"] == "request-failure" and event["provider"] == PRIMARY for event in events)


def _table(title: str, result: Result, events: list[Event]) -> Table:
    table = Table(
        "at", "provider", "model", "outcome", "took", "then", title=title, title_justify="left", title_style="bold"
    )
    failures = iter([event for event in events if event["type"] == "request-failure"])
    first = min(attempt["at"] for attempt in result["fallback"]["attempts"])
    for attempt in result["fallback"]["attempts"]:
        outcome, then = attempt["outcome"], ""
        if outcome == SKIPPED:
            outcome = f"skipped: {attempt['reason']}"
        elif outcome != "success":
            outcome, then = f"{outcome} {attempt['status'] or attempt['reason']}", _then(next(failures))
        took = f"{attempt['latency_ms']:.0f} ms" if attempt["latency_ms"] is not None else ""
        table.add_row(
            f"{attempt['at'] - first:.1f} s", attempt["provider"], attempt["model"] or "", outcome, took, then
        )
    return table


def _then(event: Event) -> str:
    if event["decision"] == "retry":
        return f"retry in {int(event['countdown_ms']) / 1000:.1f} s"
    return f"next: {event['next']}" if event["next"] else "fails"


def _text(result: Result) -> str:
    return " ".join(str(result["choices"][0]["message"]["content"]).split())
