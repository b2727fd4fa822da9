"""The table of the providers' breakers and health."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from tasks.celery import settings
from tasks.cli.support.duration import instant
from tasks.store import store
from worker.admission.breaker import Snapshot
from worker.diagnosis.durations import seconds, span
from worker.health.breaker_state import breaker_state
from worker.health.health import Health, ResponseTime, health
from worker.task import parking, scheduling
from worker.telemetry.workers import missing, workers

_STYLES = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "unknown": "dim"}


def providers_table() -> Table:
    """Returns a row per provider, as Redis has it now.

    A row is one line of 80 columns. Below the table stand who is slow, and the numbers of parked and scheduled
    completions.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    found = Table(box=None, pad_edge=False, caption_justify="left", caption_style="")
    for name in ("provider", "status", "breaker", "ok", "up", "p50/p95", "last error", "ago"):
        # Only the last error is shortened if the line is too wide.
        found.add_column(name, no_wrap=name != "last error")
    providers, fleet = health(store(), list(settings.providers)), workers(store())
    for each in providers:
        found.add_row(*_row(each, missing(settings.providers[each.breaker.provider], fleet)))
    found.caption = "\n".join(_caption(providers)) or None
    return found


def _caption(providers: list[Health]) -> Iterator[str]:
    if all(each.breaker.status == "unknown" for each in providers):
        yield "nothing is known of any provider yet"
    for now in (each.breaker for each in providers if each.breaker.slow_since):
        p50, usual = seconds(now.latency_mean), seconds(now.usual_mean)
        yield f"{now.provider}: first token p50 {p50} s, usual {usual}, since {instant(now.slow_since)}"
    if parked := parking.count(store()):
        yield f"{parked} parked until a provider admits"
    if scheduled := scheduling.count(store()):
        yield f"{scheduled} scheduled for later"


def _row(of: Health, lack: str | None) -> tuple[str | Text, ...]:
    now = of.breaker
    return (
        now.provider,
        Text(now.status, _STYLES[now.status]),
        _breaker(now, lack),
        f"{now.count - now.failed}/{now.count}" if now.count else "-",
        "-" if of.availability is None else f"{of.availability:.0%}",
        _times(of.response) if of.response else "-",
        Text(now.error or "-", no_wrap=True, overflow="ellipsis"),
        span(now.now - now.error_at) if now.error else "-",
    )


def _breaker(now: Snapshot, lack: str | None) -> str:
    """Returns the breaker's state and its duration; adds the cause of the health if the state does not show it."""
    state, until = breaker_state(now, lack)
    left = span(until - now.now) if until > now.now else ""
    if state == "open":
        return f"open, {left} left" if left else "open, due"
    if state == "closed" and now.cause:
        return f"{state}, {now.cause}"
    return f"{state} {left}".rstrip()


def _times(response: ResponseTime) -> str:
    return f"{seconds(response.p50)}/{seconds(response.p95)}s"
