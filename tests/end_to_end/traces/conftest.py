"""A worker that traces, a collector, and a tap that hears what the providers hear."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.local.celery_nodes import ROOT
from tasks.local.llmock import LLMock
from tests.collector import Collector, Span, collecting
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.traces.producers import BY_NAME, OURS, produce
from tests.end_to_end.traces.tap import Tap, tapping
from tests.waiting import wait_until

PROMPT, ANSWER, KEY = "zebra-prompt-7731", "walrus-answer-9902", "sk-secret-key-5518"
REQUEST = {"messages": [{"role": "user", "content": f"Say {PROMPT} once."}], "user": PROMPT}


@pytest.fixture(scope="module")
def module_collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def collector(module_collector: Collector) -> Collector:
    module_collector.spans.clear()
    module_collector.raw.clear()
    return module_collector


@pytest.fixture(scope="module")
def module_tap(shared_llmock: LLMock) -> Iterator[Tap]:
    with tapping(shared_llmock.url) as tap:
        yield tap


@pytest.fixture
def tap(module_tap: Tap) -> Tap:
    module_tap.heard.clear()
    return module_tap


@pytest.fixture(scope="module")
def traced_environment(module_collector: Collector, module_tap: Tap) -> dict[str, str]:
    keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LLAMA_CPP_API_KEY"), KEY)
    return keys | {
        "ANTHROPIC_BASE_URL": f"{module_tap.url}/anthropic",
        "OPENAI_BASE_URL": f"{module_tap.url}/v1",
        "LLAMA_CPP_BASE_URL": module_tap.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": module_collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@pytest.fixture(scope="module")
def shared_settings(traced_environment: dict[str, str]) -> dict[str, str]:
    return traced_environment


class Producer:
    """Queues completions in a process of its own, within a span `order`."""

    def __init__(self, setup: LocalSetup, program: str, folder: Path) -> None:
        self._setup, self._program, self._folder = setup, program, folder

    def order(self, **options: Any) -> str:
        """Returns the id of a queued completion."""
        environment = {**self._setup.fleet.environment, **self._setup.environment}
        return produce(self._program, json.dumps([REQUEST, options]), environment, self._folder)


@pytest.fixture(params=["ours", "by name"])
def producer(request: pytest.FixtureRequest, shared_setup: LocalSetup, tmp_path: Path) -> Producer:
    program, folder = (OURS, ROOT) if request.param == "ours" else (BY_NAME, tmp_path)
    return Producer(shared_setup, program, folder)


def trace_of(collector: Collector, task_id: str) -> list[Span]:
    """Returns the spans of a completion's trace, once that of its last delivery has come."""
    wait_until(lambda: collector.is_over(task_id))
    return collector.of_task(task_id)
