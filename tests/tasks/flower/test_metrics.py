"""The fleet's metrics: every series from the start, and right values."""

import json
import time

import pytest

from config.outcomes import Outcome
from tasks.flower.dead_letters import DeadLetters
from tasks.flower.metrics.providers import in_force
from tests.tasks.flower.scraping import OBSERVE, Page, labels_of, message, names, ours, settings_at, store_of
from tests.tasks.flower.scraping import parsed as parsed
from tests.worker.admission.clocked_breaker import url
from worker.admission.breaker import Snapshot, control
from worker.admission.bulkheads import BULKHEADS
from worker.errors import ChainExhausted
from worker.task import dead_letters
from worker.telemetry import counters, workers
from worker.telemetry.metrics.recording import METRICS
from worker.telemetry.workers import Worker

WORKER = Worker("one@host", "1", 1.0, 1.0, True, "", 0.25, 100, 3, 0.0, {}, {})
EACH_LIST = ("completions", "completions\x06\x163", "completions\x06\x166", "completions\x06\x169")


@pytest.fixture
def settings(redis, tmp_path):
    return settings_at(url(redis), tmp_path)


@pytest.fixture
def store(settings):
    METRICS.forget()
    return store_of(settings)


@pytest.fixture
def page(store, settings):
    return Page(store, settings)


def keep(store, task, chain="default", failure=ChainExhausted):
    store.run(dead_letters.keep(store, task, chain, {}, failure("no")))


def test_every_metric_has_its_labels_and_all_that_is_known_is_there_from_the_start(page, store, settings):
    workers.report(store, WORKER)
    scrape = page.scrape()
    assert labels_of(scrape) == OBSERVE
    assert set(scrape.of("fallback_attempts_total")) == {
        (model.name, str(outcome), name)
        for name, provider in settings.providers.items()
        for model in provider.models.values()
        for outcome in Outcome
        if model.name
    }
    assert ("default", "answered") in scrape.of("fallback_completions_total")
    assert set(scrape.of("fallback_completion_seconds_count")) == {(name,) for name in settings.chains}
    counted = [name for name in ours(scrape) if name.endswith(("_total", "_count", "_sum", "_bucket"))]
    assert {value for (name, _), value in scrape.samples.items() if name in counted} == {0.0}


def test_no_label_is_named_like_its_metric_or_holds_what_a_caller_chose(page):
    allowed = {word for labels in OBSERVE.values() for word in labels.split()} | {"kind", "subject", "severity"}
    scrape = page.scrape()
    assert {label for name in ours(scrape) for label in scrape.labels(name)} <= allowed


def test_a_histogram_is_cumulative(page, store, settings):
    for seconds in (0.005, 0.03, 5_000.0):
        METRICS.completion(settings.chains["default"], "answered", seconds)
    counters.flush(store)
    scrape = page.scrape()
    buckets = {
        labels[1]: value
        for labels, value in scrape.of("fallback_completion_seconds_bucket").items()
        if labels[0] == "default"
    }
    assert [buckets[bound] for bound in ("0.01", "0.02", "0.04", "2621.44", "10485.76", "+Inf")] == [1, 1, 2, 2, 3, 3]
    assert scrape.value("fallback_completion_seconds_sum", chain="default") == pytest.approx(5_000.035)
    assert scrape.value("fallback_completions_total", chain="default", outcome="answered") == 3


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "closed"),
        ({"deprioritised_until": 11_000}, "deprioritised"),
        ({"deprioritised_until": 9_000}, "closed"),
        ({"limited_until": 11_000, "deprioritised_until": 11_000}, "rate_limited"),
        ({"state": "half-open", "limited_until": 11_000}, "half_open"),
        ({"state": "open"}, "open"),
        ({"state": "open", "auth_locked": 1}, "auth_locked"),
        ({"state": "open", "override": "closed", "auth_locked": 1}, "forced_closed"),
        ({"override": "open"}, "forced_open"),
    ],
)
def test_the_state_in_force_is_the_one_that_decides(fields, state):
    assert in_force(Snapshot(provider="a", now=10_000, **fields)) == state


def test_a_transition_is_counted_by_the_script_that_makes_it(page, store):
    control(store, "openai", "open", by="somebody")
    control(store, "openai", "reset", by="somebody")
    store.redis.delete(store.keys.events)
    counted = {labels for labels, value in page.scrape().of("fallback_breaker_transitions_total").items() if value}
    assert counted == {("operator", "openai", "forced_open"), ("reset", "openai", "closed")}


def test_each_problem_is_a_sample_and_a_tenant_is_not_named(page, store):
    control(store, "openai", "open", by="somebody")
    store.redis.hset(store.keys.budgets(int(time.time()) // 86_400), mapping={"tenant:acme": 10**9})
    found = {(labels[0], labels[2] if len(labels) == 3 else "") for labels in page.scrape().of("fallback_problem")}
    assert {("breaker-forced-open", "openai"), ("budget-spent", ""), ("no-workers", "")} <= found


def test_the_queue_s_oldest_message_is_the_one_that_is_next(page, redis):
    at = time.time()
    for age, task in ((1, "late"), (60, "early")):
        redis.rpush(EACH_LIST[2], message(task, {"fallback": {"version": 2, "queued_at": at - age}}))
    scrape = page.scrape()
    assert scrape.value("fallback_queue_depth", priority="6") == 2
    assert scrape.value("fallback_queue_oldest_seconds", priority="6") == pytest.approx(60, abs=2)
    assert scrape.of("fallback_queue_depth") == {("0",): 0, ("3",): 0, ("6",): 2, ("9",): 0}


def test_a_message_without_a_stamp_ages_from_when_it_was_first_seen_to_be_next(page, redis):
    redis.rpush("completions", message("by-name", {}))
    first, second = (page.scrape().value("fallback_queue_oldest_seconds", priority="0") for _ in range(2))
    assert first == 0 < second
    redis.rpush("completions", message("next", {}))
    assert page.scrape().value("fallback_queue_oldest_seconds", priority="0") == 0


def test_calls_in_flight_are_those_that_processes_report(page, store):
    with BULKHEADS.place("openai", urgent=False):
        counters.flush(store)
        assert page.scrape().value("fallback_in_flight", provider="openai") == 1
    counters.flush(store)
    assert page.scrape().value("fallback_in_flight", provider="openai") == 0
    assert not store.redis.exists(store.keys.in_flight)


def test_the_share_of_each_limit_and_budget_is_there_without_a_tenant(page, store):
    day = int(time.time()) // 86_400
    spent = {"provider:openai": 10**9, "chain:default": 10**9, "tenant:acme": 10**9}
    store.redis.hset(store.keys.budgets(day), mapping=spent)
    scrape = page.scrape()
    assert scrape.value("fallback_budget_used_ratio", provider="openai", limit="usd_per_day") == 0.5
    assert scrape.value("fallback_budget_used_ratio", chain="default", limit="usd_per_day") == 0.25
    assert len(scrape.of("fallback_budget_used_ratio")) == 2
    limits = {labels[0] for labels in scrape.of("fallback_limit_used_ratio")}
    assert limits == {"requests_per_minute", "tokens_per_minute", "concurrency"}


def test_a_worker_that_was_killed_does_not_consume(page, store):
    workers.report(store, WORKER)
    assert page.scrape().value("fallback_worker_consuming", worker="one@host") == 1
    stored = json.loads(store.redis.hget(store.keys.workers, "one@host")) | {"seen_ms": 1}
    store.redis.hset(store.keys.workers, "one@host", json.dumps(stored))
    scrape = page.scrape()
    assert scrape.value("fallback_worker_consuming", worker="one@host") == 0
    assert scrape.value("fallback_worker_slots", worker="one@host") == 0


def test_dead_letters_are_counted_by_chain_and_error(page, store):
    for task in ("one", "two"):
        keep(store, task)
    assert page.scrape().value("fallback_dead_letters", chain="default", error="ChainExhausted") == 2
    dead_letters_key = store.keys.dead_letters
    store.redis.zrem(dead_letters_key, "one")
    assert page.scrape().value("fallback_dead_letters", chain="default", error="ChainExhausted") == 1


def test_ten_thousand_dead_letters_are_read_once(store):
    now = round(1000 * time.time())
    with store.redis.pipeline(transaction=False) as pipe:
        for n in range(10_000):
            pipe.hset(store.keys.dead_letter(f"t{n}"), mapping={"chain": "default", "error": "ChainExhausted"})
        pipe.zadd(store.keys.dead_letters, {f"t{n}": now - 10_000 + n for n in range(10_000)})
        pipe.execute()
    letters, reads = DeadLetters(), []
    for change in (lambda: None, lambda: None, lambda: keep(store, "new")):
        change()
        store.redis.config_resetstat()
        assert letters.count(store, 0)["default", "ChainExhausted"] == 10_000
        reads.append(store.redis.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"])
    assert reads == [10_000, 0, 1]


def test_a_full_redis_is_up_and_refuses_writes(own_server, tmp_path):
    settings = settings_at(own_server.url, tmp_path)
    store = store_of(settings)
    page = Page(store, settings)
    assert page.scrape().value("fallback_redis_refuses_writes") == 0
    store.redis.config_set("maxmemory", 1)
    scrape = page.scrape()
    assert (scrape.value("fallback_redis_up"), scrape.value("fallback_redis_refuses_writes")) == (1, 1)
    assert scrape.value("fallback_redis_memory_max_bytes") == 1 < scrape.value("fallback_redis_memory_bytes")


def test_in_an_outage_there_is_nothing_but_that(tmp_path):
    settings = settings_at("redis://127.0.0.1:1/0", tmp_path)
    scrape = Page(store_of(settings), settings).scrape()
    assert (ours(scrape), scrape.value("fallback_redis_up")) == ({"fallback_redis_up"}, 0)
    assert names(scrape) == ours(scrape)
