"""What is wrong, since when, and its cure: each problem by itself, and their order."""

import math
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from tests.worker.diagnosis.fleet_facts import (
    KEYS,
    NOW,
    SINCE,
    backlog,
    facts,
    limited,
    snapshot,
    waiting,
    worker,
)
from worker.diagnosis.problems import diagnose
from worker.limits.usage import Used
from worker.store.memory import Memory
from worker.telemetry.workers import DRAINED, NO_COMPLETIONS

RESET = "fallback breaker reset openai"
STARTED = NOW - 5
FOR_PROBES = worker("two@host", consuming=False, reason=NO_COMPLETIONS)


def of(provider: str = "openai", **fields: Any) -> dict[str, Any]:
    return {"breakers": {provider: snapshot(provider, **fields)}}


def is_open(error: str, **fields: Any) -> dict[str, Any]:
    opened = {"state": "open", "open_until": NOW + 540, "unhealthy": SINCE, "error": error, "error_at": NOW - 5}
    return of(**(opened | fields))


CASES: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "quota": (
        is_open("quota-exhausted 429 insufficient_quota", quota=1),
        "quota-spent",
        "critical",
        ["openai: quota spent (429 insufficient_quota), asked again in 9m since 12:06 UTC; add credit", RESET],
    ),
    "payment": (is_open("quota-exhausted 402", quota=1), "quota-spent", "critical", ["quota spent (402)"]),
    "key": (
        of(auth_locked=True, error="authentication 401 invalid_api_key", unhealthy=SINCE),
        "key-refused",
        "critical",
        ["openai: key refused (401 invalid_api_key) since 12:06 UTC; set a good key (OPENAI_API_KEY)"],
    ),
    "overloaded": (
        is_open("overloaded 529"),
        "provider-overloaded",
        "critical",
        ["openai: overloaded (529): breaker open, asked again in 9m since 12:06 UTC; ", RESET],
    ),
    "server error": (is_open("transient 503"), "provider-overloaded", "critical", ["overloaded (503)"]),
    "unreachable": (is_open("transient connection"), "provider-unreachable", "critical", ["unreachable (connection)"]),
    "silent": (is_open("timeout first_token_timeout"), "provider-silent", "critical", ["silent (first_token_timeout)"]),
    "half-open": (
        is_open("transient truncated", state="half-open"),
        "breaker-open",
        "critical",
        ["breaker half-open, asked again now, one call at a time (truncated)"],
    ),
    "forced open": (
        of(override="open", override_by="alice@ops", override_at=SINCE, override_until=NOW + 600),
        "breaker-forced-open",
        "warning",
        ["breaker forced open by alice@ops", "10m left: nobody asks it since 12:06 UTC; when done: ", RESET],
    ),
    "forced closed": (of(override="closed"), "breaker-forced-closed", "warning", ["without end: it is asked whatever"]),
    "rate limited": (
        of(limited_until=NOW + 20, error="rate-limited 429 rate_limit_exceeded", error_at=SINCE),
        "rate-limited",
        "warning",
        ["rate limited (429 rate_limit_exceeded), asked again in 20s since 12:06 UTC; "],
    ),
    "probes": (of(failed_probes=3), "provider-unreachable", "critical", ["3 probes in a row were not answered"]),
    "one probe": (of(failed_probes=1), "provider-unreachable", "warning", ["its last probe was not answered"]),
    "failing": (
        of(count=100, failed=11, error="transient 500", error_at=SINCE),
        "failing",
        "warning",
        ["11 of the last 100 calls failed, the last one (500) since 12:06 UTC"],
    ),
    "slow": (
        of(slow_since=NOW, latency_mean=round(1e6 * math.log(1100)), usual_mean=round(1e6 * math.log(300))),
        "slow",
        "warning",
        ["openai: slow: first token p50 1.1 s, usual 0.30 since 12:07 UTC; "],
    ),
    "limit": (
        {"settings": limited(requests_per_minute=60), "used": {"openai": Used("openai", 60, 0, 0, 0.0)}},
        "limit-reached",
        "warning",
        ["our own limit is reached: 60 of 60 requests in the last minute; raise limits.requests_per_minute"],
    ),
    "model": ({"models": {"openai": {"default": "missing"}}}, "misconfigured", "warning", ["has no gpt"]),
    "lacking on one": (
        {"workers": (worker(), worker("two@host", missing={"openai": "no API key"}))},
        "not-configured",
        "warning",
        ["openai: no API key on 1 of 2 workers; set OPENAI_API_KEY there and restart them (two@host)"],
    ),
    "lacking on all but here": (
        {"workers": (worker(missing={"openai": "no API key"}),)},
        "not-configured",
        "warning",
        ["openai: no API key on 1 of 1 workers, but in this shell"],
    ),
    "keys differ": (
        {"workers": (worker(), worker("two@host", keys=KEYS | {"openai": "cccccc"}))},
        "key-differs",
        "warning",
        ["openai: the workers have different keys (bbbbbb on one@host; cccccc on two@host); give all one key"],
    ),
    "this shell's key": (
        {"keys": KEYS | {"openai": "dddddd"}},
        "key-differs",
        "warning",
        ["this shell's key (dddddd) is another than that of the workers (bbbbbb)"],
    ),
    "no worker": (
        {"workers": ()},
        "no-workers",
        "critical",
        ["none reports itself; start one: celery -A tasks worker"],
    ),
    "a worker for probes alone": (
        {"workers": (FOR_PROBES,)},
        "no-workers",
        "critical",
        ["for other queues (two@host)"],
    ),
    "cancelled": (
        {"workers": (worker(), worker("two@host", consuming=False, reason="told not to (cancel_consumer)"))},
        "worker-not-consuming",
        "warning",
        ["worker two@host: takes no completions: told not to", "celery -A tasks control -d two@host add_consumer"],
    ),
    "skewed": (
        {"workers": (worker(), worker("two@host", clock_offset=-1.5))},
        "clock-skewed",
        "warning",
        ["worker two@host: its clock is 1.5 s behind that of Redis; set the clock"],
    ),
    "killed": (
        {"workers": (worker(), worker("two@host", alive=False, seen_at=SINCE))},
        "worker-gone",
        "warning",
        ["worker two@host: no sign of life for 1m", "since 12:06 UTC"],
    ),
    "full": (
        {"refusal": OutOfMemoryError(), "memory": Memory(100_100_000, 100_000_000), "workers": ()},
        "redis-full",
        "critical",
        ["Redis is full (100.1 of 100.0 MB used): ", "raise maxmemory: redis-cli", "config set maxmemory 200mb"],
    ),
    "replica": (
        {"refusal": ReadOnlyError("READONLY")},
        "redis-refuses-writes",
        "critical",
        ["Redis refuses every write (ReadOnlyError); REDIS_URL names a replica"],
    ),
    "nearly full": (
        {"memory": Memory(95_000_000, 100_000_000)},
        "redis-nearly-full",
        "warning",
        ["Redis is nearly full (95.0 of 100.0 MB used, 95%)"],
    ),
    "drained": (
        {"workers": (worker(), worker("two@host", consuming=False, reason=DRAINED))},
        "worker-not-consuming",
        "warning",
        ["worker two@host: takes no completions: drained; fallback drain two@host --undo, or stop it"],
    ),
    "a third key": (
        {
            "workers": (worker(), worker("two@host", keys=KEYS | {"openai": "cccccc"})),
            "keys": KEYS | {"openai": "dddddd"},
        },
        "key-differs",
        "warning",
        ["(bbbbbb on one@host; cccccc on two@host), this shell a third one (dddddd)"],
    ),
    "queue": (
        {"backlog": backlog(queued={6: waiting(7, 60), 0: waiting(1, 500)})},
        "queue-old",
        "warning",
        ["7 completions are queued, the oldest for 1m since 12:06 UTC; add workers"],
    ),
    "parked": ({"backlog": backlog(parked={"claude": waiting(3, 120)})}, "parked-old", "warning", ["3 parked"]),
    "dead letters": (
        {"backlog": backlog(failed=5, failed_before=1, failed_since=SINCE)},
        "dead-letters",
        "warning",
        ["5 completions failed for good in the last 10m, 1 before since 12:06 UTC; fallback failed --since 10m"],
    ),
}


@pytest.mark.parametrize(("changes", "kind", "severity", "words"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_one_line_with_its_cure(
    changes: dict[str, Any], kind: str, severity: str, words: list[str]
) -> None:
    [found] = diagnose(facts(**changes))
    line = found.line(NOW)
    assert [word for word in words if word not in line] == []
    assert (found.kind, found.severity) == (kind, severity)


WELL: dict[str, dict[str, Any]] = {
    "all": {},
    "a worker for probes": {"workers": (worker(), FOR_PROBES)},
    "a worker that starts": {
        "workers": (worker(), worker("two@host", consuming=False, reason="starting", started_at=STARTED))
    },
    "a worker that stops": {"workers": (worker(), worker("two@host", consuming=False, reason="stopping"))},
    "a worker killed long ago": {"workers": (worker(), worker("two@host", alive=False, seen_at=NOW - 1000))},
    "a retry that began long ago": {"backlog": backlog(queued={0: waiting(1, 500)})},
    "a few dead letters": {"backlog": backlog(failed=2)},
}


@pytest.mark.parametrize("changes", WELL.values(), ids=WELL)
def test_what_is_no_problem_is_not_told(changes: dict[str, Any]) -> None:
    assert diagnose(facts(**changes)) == []


def test_the_worst_comes_first() -> None:
    changes = is_open("overloaded 529") | {"workers": (), "memory": Memory(95, 100)}
    found = diagnose(facts(**changes))
    assert [each.kind for each in found] == ["no-workers", "provider-overloaded", "redis-nearly-full"]


def test_a_full_redis_hides_what_workers_could_not_report() -> None:
    found = diagnose(facts(refusal=OutOfMemoryError(), workers=(worker(alive=False),)))
    assert [each.kind for each in found] == ["redis-full"]
