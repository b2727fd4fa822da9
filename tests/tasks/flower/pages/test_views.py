"""What each page shows, from what a real server has."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from config.settings import Settings, load
from tasks.flower.dead_letters import DeadLetters
from tasks.flower.pages.hour import LastHour
from tasks.flower.pages.views import VIEWS, View
from tasks.flower.pages.views.completion import completion
from tasks.flower.pages.views.dead_letters import dead_letters
from tasks.flower.pages.views.events import events
from tasks.flower.pages.views.providers import providers
from tasks.flower.pages.views.queue import queue
from tasks.flower.pages.views.workers import workers
from worker.admission import breaker
from worker.admission.breaker import Attempted
from worker.errors import ChainExhausted
from worker.health.recent_calls import Call, recent_calls
from worker.providers.remaining import REMAINING, RateLimit
from worker.store.store import Store
from worker.task import dead_letters as letters
from worker.telemetry import workers as presence
from worker.telemetry.counters import flush
from worker.telemetry.metrics import instruments
from worker.telemetry.metrics.recording import METRICS
from worker.telemetry.workers import Worker

AT = 1_700_000_000.0
WORKER = Worker("first@here", "2.0.0", AT, AT, True, "", 0.01, 100, 3, AT, {"claude": "ab12"}, {"openai": "no API key"})
MANY = 1_000
"""Workers."""


@pytest.fixture
def settings(clean_environment: dict[str, str], redis_url: str) -> Settings:
    return load({**clean_environment, "REDIS_URL": redis_url, "ANTHROPIC_API_KEY": "sk-secret"})


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.redis_url, settings.namespace, settings.providers)


def call(store: Store, provider: str, outcome: str, ms: float) -> None:
    """Asks a provider for a task of its own, and records the outcome."""
    task = uuid4().hex
    reply = store.run(breaker.acquire(store, task, "", "permit", [provider]))[0]
    permit = breaker.parse_acquire_reply(reply, "permit", [provider]).permit
    assert permit
    store.run(breaker.record(store, task, "", "permit", Attempted(permit, outcome, latency_ms=ms), []))


def event(store: Store, kind: str, provider: str, **fields: str) -> None:
    (now, _) = store.run(("TIME",))[0]
    store.redis.xadd(store.keys.events, {"type": kind, "provider": provider, "at_ms": f"{now}000", **fields})


def row(found: dict[str, Any], provider: str) -> dict[str, Any]:
    return next(each for each in found["providers"] if each["provider"] == provider)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_of_an_empty_redis_each_view_is_json(settings: Settings, store: Store, view: View) -> None:
    assert json.loads(json.dumps(view.read(settings, store, "some-task")))


def test_the_last_calls_come_oldest_first_also_once_the_ring_is_full(store: Store) -> None:
    for i in range(103):
        call(store, "claude", "success" if i % 10 else "ignored", 1000 + i)
        call(store, "openai", "success", 10)
    found, other = recent_calls(store, ["claude", "openai"])
    assert len(other) == 100
    assert found[-1] == Call(succeeded=True, seconds=1.102)
    assert [each.seconds for each in found] == sorted(each.seconds for each in found)


def test_a_provider_s_row_has_its_breaker_and_its_calls(settings: Settings, store: Store) -> None:
    for _ in range(5):
        call(store, "claude", "failure", 250)
    call(store, "openai", "success", 1000)
    breaker.control(store, "llama_cpp", "open", by="ann", seconds=600)
    found = providers(settings, store, LastHour())
    claude, openai, llama = (row(found, name) for name in ("claude", "openai", "llama_cpp"))
    assert (claude["status"], claude["state"], claude["opens"], claude["failed"]) == ("unhealthy", "open", 1, 5)
    assert 50 < claude["left"] <= 66
    assert claude["failed_path"].count("M") == 5
    assert claude["succeeded_path"] == ""
    assert (openai["p50"], openai["failed_path"]) == (1.0, "")
    assert (llama["state"], llama["override_by"]) == ("forced open", "ann")
    assert {"breaker-forced-open", "no-workers"} <= {each["kind"] for each in found["problems"]}


def test_a_provider_is_missing_where_no_worker_has_it_whatever_flower_has(settings: Settings, store: Store) -> None:
    presence.report(store, replace(WORKER, missing={"claude": "no API key"}))
    found = providers(settings, store, LastHour())
    assert settings.providers["openai"].missing
    assert (row(found, "claude")["state"], row(found, "openai")["state"]) == ("no API key", "closed")


def test_the_last_hour_is_what_the_sums_grew_by(settings: Settings, store: Store) -> None:
    def count(fields: dict[tuple[str, ...], int]) -> None:
        store.redis.hset(store.keys.metrics, mapping={json.dumps(field): n for field, n in fields.items()})

    hour = LastHour()
    assert row(providers(settings, store, hour), "claude")["calls"] is None
    count({("attempts", "claude", "m", "success"): 10, ("cost_usd", "claude", "m", "default"): 500_000_000})
    hour.note(store)
    count({("attempts", "claude", "m", "success"): 15, ("failovers", "openai", "claude", "transient"): 2})
    count({("cost_usd", "claude", "m", "default"): 1_000_000_000, ("attempts", "claude", "m", "timeout"): 1})
    found = providers(settings, store, hour)
    assert row(found, "claude")["calls"] == 6
    assert row(found, "claude")["failovers_in"] == row(found, "openai")["failovers_out"] == 2
    assert row(found, "claude")["usd_an_hour"] == pytest.approx(0.5 * 3600 / found["span"])


def test_events_have_a_lane_per_provider_and_the_newest_come_first(settings: Settings, store: Store) -> None:
    event(store, "circuit-breaker-open", "claude", cause="consecutive-failures")
    event(store, "request-failure", "claude", request="some/task", failure="transient 500")
    event(store, "provider-recovered", "openai")
    event(store, "task-id-reused", "", request="other")
    found = events(settings, store)
    assert [(lane["lane"], lane["events"]) for lane in found["lanes"]] == [("claude", 2), ("openai", 1), ("fleet", 1)]
    assert set(found["lanes"][0]["marks"]) == {"bad", "failure"}
    assert found["events"][0]["type"] == "task-id-reused"
    assert len({each["id"] for each in found["events"]}) == 4


def test_dead_letters_are_counted_by_class_and_chain(settings: Settings, store: Store) -> None:
    for i in range(3):
        store.run(letters.keep(store, f"task-{i}", "default", {"messages": "secret"}, ChainExhausted("claude: 500")))
    store.run(letters.keep(store, "other", "low-cost", {}, ChainExhausted("openai: 500")))
    found = dead_letters(settings, store, DeadLetters())
    assert found["total"] == 4
    assert found["groups"][0] == {"chain": "default", "error": "ChainExhausted", "number": 3}
    assert "secret" not in json.dumps(found)


def test_ten_thousand_dead_letters_cost_one_long_reading(settings: Settings, store: Store) -> None:
    (now, _) = store.run(("TIME",))[0]
    with store.redis.pipeline(transaction=False) as pipe:
        for i in range(10_000):
            pipe.zadd(store.keys.dead_letters, {f"task-{i}": now * 1000 - i})
            fields = {"at": now * 1000 - i, "chain": "default", "error": "ChainExhausted", "message": "x"}
            pipe.hset(store.keys.dead_letter(f"task-{i}"), mapping=fields)
        pipe.execute()
    counted = DeadLetters()
    assert dead_letters(settings, store, counted)["total"] == 10_000
    before = store.redis.info("commandstats")["cmdstat_hmget"]["calls"]
    found = dead_letters(settings, store, counted)
    assert (found["total"], len(found["newest"])) == (10_000, 100)
    assert store.redis.info("commandstats")["cmdstat_hmget"]["calls"] - before == 100


def test_what_waits_is_shown_by_priority_and_chain(settings: Settings, store: Store) -> None:
    (now, _) = store.run(("TIME",))[0]
    message = json.dumps({"body": "e30=", "headers": {"fallback": {"queued_at": now - 30}}})
    store.redis.lpush(store.keys.queues[6], message, message)
    found = queue(settings, store, LastHour())
    row = next(each for each in found["queue"] if each["priority"] == 6)
    assert (row["number"], found["queue_total"], row["chains"]) == (2, 2, ["default", "local-first"])
    assert 29 <= row["oldest"] <= 33
    assert {each["chain"] for each in found["chains"]} == {"high-priority", "default", "low-cost", "local-first"}


def test_of_many_workers_those_with_something_wrong_come_first(settings: Settings, store: Store) -> None:
    presence.report(store, WORKER)
    report = str(store.redis.hget(store.keys.workers, WORKER.name))
    names = [f"w{i:04}@here" for i in range(MANY - 1)]
    store.redis.hset(store.keys.workers, mapping={name: report.replace(WORKER.name, name) for name in names})
    presence.report(store, replace(WORKER, name="zz@here", clock_offset=7.0))
    presence.report(store, replace(WORKER, name="zy@here", consuming=False, reason="draining"))
    found = workers(settings, store)
    assert (found["number"], found["alive"], found["consuming"], len(found["workers"])) == (
        MANY + 2,
        MANY + 2,
        MANY + 1,
        200,
    )
    assert [each["name"] for each in found["workers"]][:3] == ["zy@here", "zz@here", "first@here"]


def test_a_completion_that_was_refused_shows_its_dead_letter(settings: Settings, store: Store) -> None:
    store.run(letters.keep(store, "refused", "default", {}, ChainExhausted("no provider")))
    found = completion(settings, store, "refused")
    assert (found["state"], found["refused"]) == ("unknown", ["ChainExhausted", "no provider"])


def test_a_provider_s_row_has_what_its_vendor_says_remains(settings: Settings, store: Store) -> None:
    REMAINING.note("claude", {"requests": RateLimit(59, 60), "tokens": RateLimit(0, None)})
    METRICS.counts.add([(instruments.RETRIES, ("claude",), 1)])
    flush(store)
    told = row(providers(settings, store, LastHour()), "claude")["vendor"]
    assert told["limits"] == [
        {"limit": "requests", "remaining": 59, "most": 60},
        {"limit": "tokens", "remaining": 0, "most": None},
    ]
    assert row(providers(settings, store, LastHour()), "openai")["vendor"] is None
