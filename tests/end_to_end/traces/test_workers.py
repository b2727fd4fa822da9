"""Spans leave each kind of worker, and whatever becomes of the collector, completions do not depend on it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tests.collector import Collector, collecting
from tests.end_to_end.traces.nodes import Node
from tests.end_to_end.traces.tap import tapping
from tests.end_to_end.vendors import fail
from tests.length import at_length
from tests.waiting import wait_until

SPYING = ("-I", "tests.end_to_end.traces.spy")
NO_PACKAGE = "import sys\nsys.modules['opentelemetry'] = None\n"
CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACING = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter",
    "worker.telemetry.traces.spans",
    "worker.telemetry.traces.span_export",
)


@pytest.fixture
def environment(llmock: LLMock) -> dict[str, str]:
    return {**llmock.environment, "LLAMA_CPP_BASE_URL": llmock.url}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.mark.parametrize(
    "pool", ["threads", pytest.param("prefork", marks=at_length), pytest.param("solo", marks=at_length)]
)
def test_a_worker_that_ends_sends_its_last_spans(
    fleet: Fleet, environment: dict[str, str], collector: Collector, llmock: LLMock, pool: str
) -> None:
    fail(llmock, "claude", 529, times=1)
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    node = Node(fleet, environment | traced | {"OTEL_SERVICE_NAME": "night-shift"}, [f"--pool={pool}"])
    results = [node.ask() for _ in range(4)]
    for result in results:
        result.get(timeout=30)
    assert collector.spans == []
    node.process.stop()
    assert {span.service for span in collector.spans} == {"night-shift"}
    for result in results:
        spans = collector.of_task(result.id)
        deliveries = [span for span in spans if span.name == "fallback.complete"]
        assert deliveries[-1].attributes["fallback.outcome"] == "answered"
        assert {span.parent for span in deliveries} <= {"", deliveries[0].id}
    assert any(span.name == "fallback.backoff" for span in collector.spans)


@at_length
def test_a_provider_of_the_process_s_own_is_used_without_an_endpoint(
    fleet: Fleet, environment: dict[str, str], collector: Collector, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529, times=1)
    own = {"SHOP_COLLECTOR": collector.url}
    node = Node(fleet, environment | own, ["-I", "tests.end_to_end.traces.own_provider"])
    result = node.ask()
    result.get(timeout=30)
    wait_until(lambda: collector.is_over(result.id))
    spans = collector.of_task(result.id)
    assert {span.service for span in spans} == {"shop-worker"}
    assert [span.name for span in spans if span.name == "fallback.complete"] == ["fallback.complete"] * 2
    assert len({span.parent for span in spans if span.name == "fallback.complete"}) == 1


def test_beside_celery_s_own_instrumentation_in_the_worker_it_is_one_trace(
    fleet: Fleet, environment: dict[str, str], collector: Collector, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529, times=1)
    own = {"SHOP_COLLECTOR": collector.url, "SHOP_INSTRUMENTS": ""}
    node = Node(fleet, environment | own, ["-I", "tests.end_to_end.traces.own_provider"])
    result = node.ask(traceparent=CONTEXT)
    result.get(timeout=30)
    wait_until(lambda: collector.is_over(result.id))
    node.process.stop()
    assert {span.trace for span in collector.spans} == {CONTEXT.split("-")[1]}
    runs = [span.id for span in collector.spans if span.name == "run/fallback.complete"]
    assert [span.parent in runs for span in collector.spans if span.name == "fallback.complete"] == [True, True]


def test_a_collector_that_hangs_delays_no_completion(
    fleet: Fleet, environment: dict[str, str], collector: Collector
) -> None:
    collector.released.clear()
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "16",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
    }
    node = Node(fleet, environment | traced)
    for result in [node.ask() for _ in range(40)]:
        assert result.get(timeout=30)["fallback"]["provider"] == "claude"
    assert collector.spans == []
    node.process.stop()
    assert node.process.exit_status == 0
    assert "Queue full" not in node.process.output()


def test_a_dead_collector_costs_one_line(fleet: Fleet, environment: dict[str, str]) -> None:
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
    }
    node = Node(fleet, environment | traced)
    for _ in range(3):
        for result in [node.ask() for _ in range(5)]:
            assert result.get(timeout=30)["fallback"]["provider"] == "claude"
    wait_until(lambda: "traces-lost" in node.process.output())
    node.process.stop()
    said = node.process.output()
    assert said.count("traces-lost") == 1
    assert re.search("traces-lost spans=[0-9]+ reason=(Failed to export|Transient error)", said)


def test_without_an_endpoint_nothing_of_it_is_imported_or_sent(
    fleet: Fleet, environment: dict[str, str], llmock: LLMock
) -> None:
    with tapping(llmock.url) as tap:
        node = Node(fleet, environment | {"ANTHROPIC_BASE_URL": f"{tap.url}/anthropic"}, SPYING)
        node.ask(traceparent=CONTEXT).get(timeout=30)
        assert tap.heard == [None]
    imported = node.modules()
    assert "worker.telemetry.traces.tracing" in imported
    assert [name for name in imported if name.startswith(TRACING)] == []


def test_without_the_package_an_endpoint_costs_one_line(
    fleet: Fleet, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_PACKAGE)
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "PYTHONPATH": str(tmp_path)}
    node = Node(fleet, environment | traced, SPYING)
    node.ask().get(timeout=30)
    assert [name for name in node.modules() if name.startswith("opentelemetry")] == []
    assert node.process.output().count("traces-off") == 1
