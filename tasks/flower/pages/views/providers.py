"""Page 1: every provider, with its breaker, its calls and its limits; the problems with their cures above them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from config.limits import Limits
from config.settings import Settings
from tasks.flower.pages.hour import HOUR, Growth, LastHour
from worker.admission.breaker import Snapshot
from worker.diagnosis.problems import problems
from worker.health.breaker_state import breaker_state
from worker.health.health import Health, health
from worker.health.recent_calls import Call, recent_calls
from worker.limits.usage import Used, usage
from worker.store.store import Store
from worker.telemetry.metrics.stored import in_flight
from worker.telemetry.remaining import VendorLimits, remaining
from worker.telemetry.workers import missing, workers

HEIGHT = 20
"""Units of a sparkline from the quickest to the slowest call."""

_LIMITED = {
    "concurrency": "in flight",
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
}


def providers(settings: Settings, store: Store, hour: LastHour = HOUR) -> dict[str, Any]:
    """Returns `at` (epoch of Redis), `problems`, and `providers`, whose counts cover the last `span` seconds.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    names = list(settings.providers)
    found, calls, used = health(store, names), recent_calls(store, names), usage(store, names)
    grown, now = hour.growth(store), found[0].breaker.now
    told, fleet = remaining(store), workers(store)
    flying = in_flight(store.run(("HGETALL", store.keys.in_flight))[0], now)
    rows = [
        {
            **_row(each, missing(settings.providers[name], fleet)),
            **_sparkline(ring),
            **_counts(name, grown),
            "limits": list(_limits(of, settings.providers[name].limits)),
            "in_flight": flying[name],
            "vendor": _vendor(told.get(name)),
        }
        for name, each, ring, of in zip(names, found, calls, used, strict=True)
    ]
    wrong = [asdict(each) for each in problems(settings, store)]
    return {"at": now, "span": grown.seconds, "providers": rows, "problems": wrong}


def _counts(name: str, grown: Growth) -> dict[str, float | None]:
    """Returns what a provider did in the last hour, each None if that is not known yet."""
    wanted = ("calls", "failovers_in", "failovers_out")
    return {what: grown.of(what, name) for what in wanted} | {"usd_an_hour": grown.hourly("usd", name)}


def _row(found: Health, lack: str | None) -> dict[str, Any]:
    """Returns what is known of a provider; `lack` is why no worker can ask it, None if one can."""
    now = found.breaker
    state, until = breaker_state(now, lack)
    return {
        "provider": now.provider,
        "status": now.status,
        "cause": now.cause,
        "state": state,
        "left": until - now.now if until > now.now else None,
        "since": _since(now),
        "opens": now.opens,
        "override_by": now.override_by if now.override else "",
        "count": now.count,
        "failed": now.failed,
        "p50": found.response.p50 if found.response else None,
        "p95": found.response.p95 if found.response else None,
        "first_token": now.latency_mean or None,
        "usual": now.usual_mean or None,
        "slow_since": now.slow_since or None,
        "error": now.error,
        "error_at": now.error_at or None,
        "availability": found.availability,
        "failed_probes": now.failed_probes,
    }


def _since(now: Snapshot) -> float | None:
    """Returns since when the breaker is in its state, which is its generation; None for one that is closed."""
    return None if now.state == "closed" or not now.generation else now.generation / 1000


def _limits(used: Used, limits: Limits) -> Iterator[dict[str, Any]]:
    for name, (value, limit) in used.by_limit(limits).items():
        if limit is not None:
            yield {"limit": _LIMITED[name], "used": value, "most": limit}
    if limits.usd_per_day is not None:
        yield {"limit": "USD today", "used": used.usd, "most": limits.usd_per_day}


def _vendor(told: VendorLimits | None) -> dict[str, Any] | None:
    """Returns what a vendor said remains of its own limits, and when; None if it has said nothing lately."""
    if told is None:
        return None
    limits = [{"limit": name, "remaining": of.remaining, "most": of.limit} for name, of in told.limits.items()]
    return {"at": told.at, "limits": limits}


def _sparkline(calls: Sequence[Call]) -> dict[str, Any]:
    """Returns two SVG paths, a stroke for each call, as high as it was slow: `succeeded_path`, `failed_path`."""
    slowest = max((call.seconds for call in calls), default=0.0) or 1.0
    paths = {True: "", False: ""}
    for place, call in enumerate(calls):
        height = max(1, round(HEIGHT * call.seconds / slowest))
        paths[call.succeeded] += f"M{2 * place + 1} {HEIGHT + 1}v-{height}"
    return {"succeeded_path": paths[True], "failed_path": paths[False], "slowest": slowest if calls else None}
