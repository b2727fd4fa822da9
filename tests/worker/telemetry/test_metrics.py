"""What a process counts, and what of it the fleet has."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.exceptions import ResponseError

from config.chains import Chain
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import store_at
from worker.errors import RedisUnavailable
from worker.task.journal import SKIPPED, Entry
from worker.telemetry import counters
from worker.telemetry.metrics import instruments, stored
from worker.telemetry.metrics.counts import LAST, SUM, Counts
from worker.telemetry.metrics.recording import METRICS, Metrics, tokens

CHAIN = Chain(name="chain", providers=("a", "b"))
TOLD = {"prompt": 100, "completion": 50, "cached": 30, "cache_write": 20, "reasoning": 10}


def tried(name, outcome, **fields):
    return Entry(name, outcome, 1.0, "m", latency_ms=100.0, **fields)


def skipped(name, reason):
    return Entry(name, SKIPPED, 1.0, reason=reason)


def counted(*lines):
    """Returns what the last of these lines adds."""
    metrics = Metrics()
    metrics.attempt(CHAIN, lines)
    return metrics.counts.take()


@pytest.fixture
def fresh():
    METRICS.forget()
    yield METRICS
    METRICS.forget()


def test_an_attempt_counts_by_model_outcome_length_tokens_and_cost():
    assert counted(tried("a", "success", first_token_ms=20.0, tokens=TOLD, cost_usd=0.25)) == {
        ("attempts", "a", "m", "success"): 1,
        ("attempt_seconds", "a", 0.16): 1,
        ("attempt_seconds", "a", SUM): 100_000,
        ("first_token_seconds", "a", 0.02): 1,
        ("first_token_seconds", "a", SUM): 20_000,
        ("tokens", "a", "m", "input"): 50,
        ("tokens", "a", "m", "cache_read"): 30,
        ("tokens", "a", "m", "cache_write"): 20,
        ("tokens", "a", "m", "output"): 40,
        ("tokens", "a", "m", "reasoning"): 10,
        ("cost_usd", "a", "m", "chain"): 250_000_000,
    }


def test_the_kinds_of_tokens_add_up_to_what_was_told():
    assert sum(tokens(tried("a", "success", tokens=TOLD)).values()) == 150


def test_what_a_failed_attempt_cost_is_waste():
    found = counted(tried("a", "empty", tokens=TOLD, cost_usd=0.5))
    assert found["cost_usd", "a", "m", "chain"] == found["wasted_cost_usd", "a", "m", "chain"] == 500_000_000


def test_a_duplicate_answer_is_waste_and_no_further_cost():
    metrics = Metrics()
    metrics.duplicate(CHAIN, [tried("a", "success", cost_usd=0.5)])
    assert metrics.counts.take() == {("wasted_cost_usd", "a", "m", "chain"): 500_000_000}


@pytest.mark.parametrize(
    ("before", "turn"),
    [
        ([], None),
        ([tried("b", "transient")], ("retries", "b")),
        ([tried("a", "rate-limited")], ("failovers", "a", "b", "rate-limited")),
        ([tried("a", "transient"), skipped("a", "open")], ("failovers", "a", "b", "transient")),
        ([tried("a", "cut-short")], None),
        ([tried("b", "cut-short")], None),
        ([skipped("a", "open")], ("failovers", "a", "b", "skipped")),
        ([skipped("a", "limit: concurrency")], ("failovers", "a", "b", "skipped")),
        ([skipped("a", "not configured: no API key")], None),
        ([skipped("a", "incapable: tools")], None),
        ([skipped("a", "disabled")], None),
        ([skipped("b", "rate-limited")], None),
    ],
)
def test_an_attempt_is_a_retry_or_a_failover_by_what_came_before(before, turn):
    found = counted(*before, tried("b", "success"))
    assert [each for each in found if each[0] in ("retries", "failovers")] == ([turn] if turn else [])


def test_a_revoked_completion_has_no_length():
    metrics = Metrics()
    metrics.completion(CHAIN, "Revoked", 5.0)
    assert metrics.counts.take() == {("completions", "chain", "Revoked"): 1}


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, 0.01), (0.01, 0.01), (0.011, 0.02), (163.84, 163.84), (999, LAST)]
)
def test_a_bucket_has_what_is_at_most_its_bound(seconds, bound):
    counts = Counts()
    counts.add([(instruments.ATTEMPT_SECONDS, ("a",), seconds)])
    assert counts.take()["attempt_seconds", "a", bound] == 1


def test_many_threads_lose_no_count():
    counts = Counts()

    def add(_):
        for _ in range(500):
            counts.add([(instruments.RETRIES, ("a",), 1)])

    with ThreadPoolExecutor(8) as threads:
        taken = [counts.take() for _ in threads.map(add, range(8))]
    assert sum(part.get(("retries", "a"), 0) for part in [*taken, counts.take()]) == 4_000


def test_a_forked_process_begins_with_nothing_of_its_parent_s(fresh):
    fresh.refused("", "InvalidRequest")
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, json.dumps([METRICS.process, bool(METRICS.counts)]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    process, has_counts = json.loads(os.read(reading, 1000))
    assert (process != fresh.process, has_counts, bool(fresh.counts)) == (True, False, True)


def flushed(store):
    counters.flush(store)
    return stored.parse(store.redis.hgetall(store.keys.metrics))


def test_what_each_process_counted_adds_up(redis, fresh):
    for _ in range(2):
        fresh.attempt(CHAIN, [tried("a", "success", cost_usd=0.25)])
        sums = flushed(store_at(url(redis)))
    assert sums.counters["cost_usd", ("a", "m", "chain")] == 0.5
    histogram = sums.histograms["attempt_seconds", ("a",)]
    assert (histogram.buckets, histogram.sum) == ({0.16: 2}, 0.2)


def test_a_process_with_no_news_writes_nothing(redis, fresh):
    store = store_at(url(redis))
    assert not flushed(store).counters
    assert redis.dbsize() == 0


def test_a_hash_that_is_full_takes_no_new_field(redis, fresh):
    store = store_at(url(redis))
    redis.hset(store.keys.metrics, mapping={f'["other",{n}]': 1 for n in range(9_999)} | {'["retries","a"]': 1})
    for provider in "ab":
        fresh.counts.add([(instruments.RETRIES, (provider,), 1)])
    assert flushed(store).counters == {("retries", ("a",)): 2}
    assert redis.hlen(store.keys.metrics) == 10_000


def test_what_a_full_server_refused_is_added_later(own_server, fresh):
    store = store_at(own_server.url)
    fresh.refused("", "InvalidRequest")
    store.redis.config_set("maxmemory", 1)
    with pytest.raises(RedisUnavailable) as refused:
        counters.flush(store)
    assert isinstance(refused.value.__cause__, ResponseError)
    store.redis.config_set("maxmemory", 0)
    assert flushed(store).counters == {("completions", ("", "InvalidRequest")): 1}


def test_a_bucket_of_another_version_counts_in_the_next_larger_one():
    sums = stored.parse({'["attempt_seconds","a",0.03]': "2", '["attempt_seconds","a",500]': "1", '["later"]': "1"})
    assert sums.histograms["attempt_seconds", ("a",)].buckets == {0.04: 2, LAST: 1}


def test_a_process_that_reports_no_more_has_no_calls_in_flight():
    reports = {"one": '100000 {"a":2}', "two": '100000 {"a":1,"b":1}', "killed": '84000 {"a":9}'}
    assert stored.in_flight(reports, 100.0) == {"a": 3, "b": 1}
