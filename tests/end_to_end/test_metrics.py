"""What a fleet counts: over a retry and a failover, over workers that end and are killed, at Flower and over OTLP."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tasks.local import celery_nodes, commands
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import writes
from tests.collector import Collector, collecting
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.otlp_metrics import points, totals
from tests.end_to_end.vendors import QUESTION, fail
from tests.tasks.flower.scraping import OBSERVE, TOML, Scrape, labels_of, parsed
from tests.waiting import wait_until
from worker.telemetry.metrics import stored

SECRET = "the-caller-s-own-words"
ASKED = {"messages": [{"role": "user", "content": SECRET}], "user": SECRET, "metadata": {"tenant": SECRET}}
LOST = 3.0
"""Seconds of which a killed worker's counts may be lost."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def worker_settings(tmp_path: Path, collector: Collector) -> dict[str, str]:
    path = tmp_path / "fallback.toml"
    path.write_text(TOML, encoding="utf-8")
    collector.metrics.clear()
    return {
        "FALLBACK_CONFIG": str(path),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector.url}/v1/metrics",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }


def counted(setup: LocalSetup, outcome: str = "answered") -> float:
    """Returns how many completions the fleet has counted with this outcome."""
    sums = stored.parse(setup.store.redis.hgetall(setup.store.keys.metrics)).counters
    return sum(value for (name, labels), value in sums.items() if (name, *labels[1:]) == ("completions", outcome))


def complete(setup: LocalSetup, chain: str = "default") -> str:
    provider: str = setup.complete(ASKED, chain).get(timeout=30)["fallback"]["provider"]
    return provider


def scrape(port: int) -> Scrape:
    return parsed(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=10).raise_for_status().text)


def test_flower_and_a_collector_have_what_happened(
    celery_setup: LocalSetup, worker: LocalNode, llmock: LLMock, collector: Collector
) -> None:
    port = free_port()
    celery_nodes.start_flower(celery_setup.fleet, port, environment=celery_setup.environment)
    fail(llmock, "claude", 500, times=1)
    assert complete(celery_setup) == "claude"
    fail(llmock, "claude", 500, times=1)
    assert complete(celery_setup, "high-priority") == "openai"
    celery_setup.delay_here(QUESTION)
    refused = celery_setup.complete({"messages": []})
    assert refused.get(timeout=30, propagate=False) is not None
    wait_until(lambda: (counted(celery_setup), counted(celery_setup, "InvalidRequest")) == (3, 1))
    found = scrape(port)
    assert labels_of(found) == OBSERVE
    assert_right(found, worker)
    assert SECRET not in str(found.samples)
    wait_until(
        lambda: (
            ("fallback_completions", frozenset({("chain", "default"), ("outcome", "answered")}))
            in totals(points(list(collector.metrics)))
        )
    )
    worker.kill("SIGTERM")
    assert worker.process.wait(30) == 0
    assert_received(collector)


def assert_right(found: Scrape, worker: LocalNode) -> None:
    def value(name: str, **labels: str) -> float:
        return found.value(f"fallback_{name}", **labels)

    claude = found.of("fallback_attempts_total")
    assert {labels[1:]: number for labels, number in claude.items() if number} == {
        ("success", "claude"): 2,
        ("transient", "claude"): 2,
        ("success", "openai"): 1,
    }
    assert value("retries_total", provider="claude") == 1
    assert value("failovers_total", from_provider="claude", to_provider="openai", outcome="transient") == 1
    assert value("completions_total", chain="default", outcome="answered") == 2
    assert value("completions_total", chain="high-priority", outcome="answered") == 1
    assert value("completions_total", chain="default", outcome="InvalidRequest") == 1
    assert value("completion_seconds_count", chain="default") == 2
    assert value("queue_wait_seconds_count", chain="default") == 1  # of this code base's own producer
    assert value("attempt_seconds_count", provider="claude") == 4
    assert value("first_token_seconds_count", provider="claude") == 2
    assert value("overhead_seconds_count") == 4  # deliveries
    assert 0 < value("overhead_seconds_sum") < 4
    tokens = {labels: number for labels, number in found.of("fallback_tokens_total").items() if number}
    assert {labels[0] for labels in tokens} == {"input", "output"}
    assert sum(found.of("fallback_cost_usd_total").values()) > 0
    assert value("worker_consuming", worker=worker.hostname()) == 1
    assert value("worker_slots", worker=worker.hostname()) == 100
    assert value("breaker_state", provider="claude", state="closed") == 1
    assert value("provider_status", provider="openai", status="healthy") == 1
    assert 0 < value("limit_used_ratio", provider="openai", limit="requests_per_minute") <= 0.1
    assert 0 < value("budget_used_ratio", chain="default", limit="usd_per_day") < 1
    assert value("dead_letters", chain="default", error="InvalidRequest") == 1
    assert (value("redis_up"), value("redis_refuses_writes")) == (1, 0)


def assert_received(collector: Collector) -> None:
    found = points(collector.metrics)
    assert len({process for process, _, _ in found}) == 1
    sums = totals(found)
    values = {(name, labels): value for (name, labels), (value, _) in sums.items()}
    assert values["fallback_retries", frozenset({("provider", "claude")})] == 1
    assert values["fallback_completions", frozenset({("chain", "default"), ("outcome", "answered")})] == 2
    calls = {labels: count for (name, labels), count in values.items() if name == "gen_ai.client.operation.duration"}
    assert sum(calls.values()) == 5
    assert sum(count for labels, count in calls.items() if ("error.type", "transient") in labels) == 2
    assert all({("gen_ai.operation.name", "chat"), ("server.address", "127.0.0.1")} <= labels for labels in calls)
    usage = [dict(labels)["gen_ai.token.type"] for name, labels in values if name == "gen_ai.client.token.usage"]
    assert set(usage) == {"input", "output"}
    fleet_wide = ("breaker", "queue_depth", "redis", "worker", "parked", "dead", "limit", "budget", "provider")
    assert not [name for name, _ in values if name.startswith(tuple(f"fallback_{each}" for each in fleet_wide))]
    sent = b"".join(collector.metrics)
    assert SECRET.encode() not in sent
    assert not [key for key in ("sk-", "api-key", "authorization") if key.encode() in sent.lower()]


def test_a_worker_that_is_killed_loses_its_last_seconds_and_no_more(
    celery_setup: LocalSetup, worker: LocalNode
) -> None:
    ended: list[float] = []
    until = time.monotonic() + 2 * LOST
    while time.monotonic() < until:
        complete(celery_setup)
        ended.append(time.monotonic())
    killed = time.monotonic()
    worker.kill()
    safe = sum(each < killed - LOST - 0.5 for each in ended)  # half a second for the beat itself
    assert 0 < safe <= counted(celery_setup) <= len(ended)


def test_a_worker_that_ends_loses_nothing_and_waits_for_no_collector(
    celery_setup: LocalSetup, worker: LocalNode, collector: Collector
) -> None:
    collector.released.clear()
    complete(celery_setup)
    worker.kill("SIGTERM")
    assert worker.process.wait(10) == 0
    assert counted(celery_setup) == 1
    collector.released.set()


def test_children_of_a_prefork_pool_flush_and_export_for_themselves(
    celery_setup: LocalSetup, worker: LocalNode, collector: Collector
) -> None:
    worker.kill("SIGTERM")
    assert worker.process.wait(30) == 0
    collector.metrics.clear()
    command = commands.worker("forked", concurrency=2, options=["--pool", "prefork"])
    forked = celery_setup.fleet.start(
        "forked", command, ready=writes(" ready."), environment=celery_setup.environment, cwd=celery_nodes.ROOT
    )
    for _ in range(3):
        complete(celery_setup)
    wait_until(lambda: counted(celery_setup) == 3)
    complete(celery_setup)
    forked.stop(20)
    assert counted(celery_setup) == 4
    ours = frozenset({("chain", "default"), ("outcome", "answered")})
    assert totals(points(collector.metrics))["fallback_completions", ours][0] == 4
