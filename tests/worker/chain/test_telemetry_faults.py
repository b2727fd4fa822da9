"""Telemetry that fails: the completion that it looks at does not notice."""

import logging
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from config.chains import Chain, Retry
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import KEY, request
from worker.chain.delivery import Completion, Continue, Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import ChainExhausted
from worker.store.store import Store
from worker.telemetry import harmless
from worker.telemetry.metrics.recording import METRICS

NAMES = ("alpha", "beta")
PROMPT = "a prompt in the exception of somebody's processor"


class Raises(SpanProcessor):
    """A span processor that fails where it is told to."""

    def __init__(self, *where: str) -> None:
        self.where, self.calls = where, 0

    def on_start(self, *_: Any, **__: Any) -> None:
        self._called("on_start")

    def on_end(self, *_: Any) -> None:
        self._called("on_end")

    def _called(self, name: str) -> None:
        if name in self.where:
            self.calls += 1
            raise ZeroDivisionError(PROMPT)


class RaisingSampler(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> Any:
        raise KeyError(PROMPT)

    def get_description(self) -> str:
        return "raises"


@pytest.fixture
def own(monkeypatch):
    """Gives this process a tracer provider of its own, as its environment's instrumentation would."""

    def set_up(provider: Any) -> None:
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    monkeypatch.setattr(harmless.FAULTS, "_said_at", float("-inf"))
    return set_up


@pytest.fixture
def ask(redis_url, redis, llmock):
    made = {
        name: provider(name, base_url=f"{llmock.url}/v1", api_key=KEY, models={"default": {"name": f"{name}-1"}})
        for name in NAMES
    }
    store = Store(redis_url, "fallback", made)
    chain = Chain(name="chain", providers=NAMES, retry=Retry(max_retries=0))

    def ask(task: str) -> Completion | Continue:
        return complete(store, Delivery(task, request(), Route(chain, made), lambda: None))

    return ask


def fail(llmock: Any, *names: str) -> None:
    for name in names:
        llmock.script({"type": "fail", "status": 500, "match": {"model": f"{name}-1"}})


@pytest.mark.parametrize("where", [("on_start",), ("on_end",), ("on_start", "on_end")])
def test_a_span_processor_that_raises_fails_no_completion(ask, llmock, own, where, caplog):
    tracer_provider, raises = TracerProvider(shutdown_on_exit=False), Raises(*where)
    tracer_provider.add_span_processor(raises)
    own(tracer_provider)
    fail(llmock, "alpha")
    with caplog.at_level(logging.WARNING):
        outcome = ask("task")
        assert outcome.result["fallback"]["provider"] == "beta"
        fail(llmock, *NAMES)
        with pytest.raises(ChainExhausted):
            ask("another")
    assert raises.calls > 1
    assert not trace.get_current_span().get_span_context().is_valid
    [line] = [record.getMessage() for record in caplog.records if "telemetry-failed" in record.getMessage()]
    assert "error=ZeroDivisionError" in line
    assert PROMPT not in caplog.text


def test_a_sampler_that_raises_fails_no_completion(ask, own):
    own(TracerProvider(sampler=RaisingSampler(), shutdown_on_exit=False))
    assert isinstance(ask("task"), Completion)


def test_a_tracer_provider_that_is_none_fails_no_completion(ask, own):
    own(object())
    assert isinstance(ask("task"), Completion)


def test_an_export_of_metrics_that_raises_fails_no_completion(ask, llmock, monkeypatch):
    def observer(*_: Any) -> None:
        raise ZeroDivisionError(PROMPT)

    monkeypatch.setattr(METRICS, "observer", observer)
    fail(llmock, "alpha")
    assert isinstance(ask("task"), Completion)
