"""`fallback status`: the breakers and the health of the fleet's providers."""

import click
from rich.console import Console
from rich.table import Table

from tasks.celery import settings
from tasks.cli.redis import demand_redis
from tasks.completion import store
from worker import health
from worker.breaker import Snapshot


@click.command()
def status() -> None:
    """Shows each provider's breaker, availability, response times and last error."""
    demand_redis()
    Console().print(table())


def table() -> Table:
    """Returns a row per provider, as the shared store has it now; a row is one line of 80 columns."""
    found = Table("provider", "state", "up", "calls ok", "p50", "p95", "last error", "ago", box=None, pad_edge=False)
    for column in found.columns:
        column.no_wrap = True
    for of in health.health(store(), list(settings.providers)):
        snapshot, response = of.breaker, of.response
        found.add_row(
            snapshot.provider,
            _state(snapshot, settings.providers[snapshot.provider].missing),
            "-" if of.availability is None else f"{of.availability:.0%}",
            f"{snapshot.count - snapshot.failed}/{snapshot.count}" if snapshot.count else "-",
            _latency(response.p50) if response else "-",
            _latency(response.p95) if response else "-",
            snapshot.error or "-",
            _span(snapshot.now - snapshot.error_at) if snapshot.error else "-",
        )
    return found


def _state(snapshot: Snapshot, missing: str | None) -> str:
    if missing and not snapshot.generation:
        return "not configured"
    if snapshot.override:
        return f"forced {snapshot.override}{_left(snapshot.override_until, snapshot)}"
    if snapshot.locked:
        return "locked out"
    if snapshot.limited_until > snapshot.now:
        return f"rate limited{_left(snapshot.limited_until, snapshot)}"
    return snapshot.state + (_left(snapshot.open_until, snapshot) if snapshot.state == "open" else "")


def _left(until: float, snapshot: Snapshot) -> str:
    return f" {_span(until - snapshot.now)}" if until > snapshot.now else ""


def _latency(seconds: float) -> str:
    return f"{seconds:.2f}s"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
