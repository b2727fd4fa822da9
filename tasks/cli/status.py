"""`fallback status`: the breakers and the health of the fleet's providers."""

import time

import click
from rich.console import Console
from rich.table import Table

from tasks.celery import settings
from tasks.cli.redis import demand_redis
from tasks.completion import store
from worker import breaker, health
from worker.breaker import Snapshot


@click.command()
def status() -> None:
    """Shows each provider's breaker, availability, response times and last error."""
    demand_redis()
    Console().print(table())


def table() -> Table:
    """Returns a row per provider, as the shared store has it now."""
    found = Table("provider", "state", "for", "available", "calls", "p50", "p95", "last error")
    for snapshot in breaker.snapshot(store(), list(settings.providers)):
        name = snapshot.provider
        state, left = _state(snapshot, settings.providers[name].missing)
        share = health.availability(store(), name).share
        times = breaker.latencies(store(), name)
        found.add_row(
            name,
            state,
            f"{left:.0f} s" if left > 0 else "",
            "-" if share is None else f"{share:.0%}",
            f"{snapshot.count - snapshot.failed} / {snapshot.count}" if snapshot.count else "-",
            _seconds(health.percentile(times, 0.5)),
            _seconds(health.percentile(times, 0.95)),
            f"{snapshot.error}, {_ago(snapshot.now - snapshot.error_at)}" if snapshot.error else "",
        )
    return found


def _state(snapshot: Snapshot, missing: str | None) -> tuple[str, float]:
    if missing and not snapshot.generation:
        return "not configured here", 0.0
    if snapshot.override:
        return f"forced {snapshot.override}", snapshot.override_until - snapshot.now
    if snapshot.locked:
        return "locked out: authentication", 0.0
    if snapshot.limited_until > snapshot.now:
        return "rate limited", snapshot.limited_until - snapshot.now
    return snapshot.state, snapshot.open_until - snapshot.now if snapshot.state == "open" else 0.0


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _ago(seconds: float) -> str:
    return time.strftime("%H:%M:%S ago", time.gmtime(max(0.0, seconds)))
