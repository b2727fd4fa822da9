"""When a process traces, and what it costs the store: nothing."""

from collections.abc import Iterator

import pytest

from config.chains import Chain
from tests.collector import Collector, collecting
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import request
from worker.chain.delivery import Completion, Continue, Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.store.store import Store
from worker.telemetry.traces import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector
        tracing.stop()


@pytest.fixture
def ask(redis_url, redis, llmock):
    made = {
        "alpha": provider("alpha", base_url=f"{llmock.url}/v1", api_key="key"),
        "beta": provider("beta", base_url=""),
    }
    store = Store(redis_url, "fallback", made)

    def ask(task: str, step: int = 0, **context: str) -> Completion | Continue:
        if step:
            pass_a_millisecond(redis)
        route = Route(Chain(name="chain", providers=("beta", "alpha")), made)
        return complete(store, Delivery(task, request(), route, lambda: None, step, trace_context=context))

    return ask


def pass_a_millisecond(redis) -> None:
    """Waits until the server's clock is in another ms: a wait of less has no span."""
    began = redis.time()
    while redis.time()[1] // 1000 == began[1] // 1000:
        pass


def commands(redis) -> dict[str, int]:
    stats = {name: stat["calls"] for name, stat in redis.info("commandstats").items()}
    return {name: calls for name, calls in stats.items() if name not in ("cmdstat_info", "cmdstat_config|resetstat")}


def test_tracing_asks_nothing_more_of_redis(ask, redis, collector):
    ask("warm")
    redis.config_resetstat()
    ask("untraced")
    without = commands(redis)
    tracing.start()
    redis.config_resetstat()
    ask("traced")
    assert commands(redis) == without
    tracing.stop()
    assert len(collector.of_task("traced")) == 2


def test_a_message_s_context_is_the_parent_of_each_delivery(ask, llmock, collector):
    tracing.start()
    llmock.script({"type": "fail", "status": 503, "times": 1, "retry_after": 0})
    assert isinstance(ask("task", traceparent=PARENT), Continue)
    assert isinstance(ask("task", step=1, traceparent=PARENT), Completion)
    tracing.stop()
    spans = collector.of_trace(PARENT.split("-")[1])
    parents = {span.parent for span in spans if not span.name.startswith("chat ")}
    assert (parents, len(spans)) == ({PARENT.split("-")[2]}, 5)


def test_without_a_context_the_first_delivery_is_the_root_of_all(ask, llmock, collector):
    tracing.start()
    llmock.script({"type": "fail", "status": 503, "times": 1, "retry_after": 0})
    ask("task")
    tracing.stop()
    tracing.start()  # as in another process
    ask("task", step=1)
    tracing.stop()
    first, second = [span for span in collector.of_task("task") if span.name == "fallback.complete"]
    assert (first.parent, second.parent) == ("", first.id)
    skipped = {"fallback.provider": "beta", "fallback.reason": "not configured: no base URL"}
    assert (first.events, second.events) == ([("fallback.skipped", skipped)], [])


@pytest.mark.parametrize("broken", ["nonsense", "00-0-0-01", PARENT.replace("00-", "ff-", 1)])
def test_a_context_that_is_none_is_left_out(ask, collector, broken):
    tracing.start()
    ask("task", traceparent=broken)
    tracing.stop()
    assert collector.of_task("task")[0].parent == ""


def test_headers_that_cannot_be_read_are_not_logged(collector, monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer sesame")
    tracing.start()
    assert "OTEL_EXPORTER_OTLP_HEADERS" in caplog.text
    assert "sesame" not in caplog.text


def test_a_producer_that_samples_its_trace_out_is_obeyed(ask, collector):
    tracing.start()
    ask("task", traceparent=f"{PARENT[:-2]}00")
    tracing.stop()
    assert collector.spans == []


def test_all_deliveries_of_a_completion_are_sampled_alike(ask, llmock, collector, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    tracing.start()
    tasks = [f"task-{n}" for n in range(4)]
    for task in tasks:
        llmock.script({"type": "fail", "status": 503, "times": 1, "retry_after": 0})
        for step in (0, 1):
            ask(task, step=step)
    tracing.stop()
    spans = [len(collector.of_task(task)) for task in tasks]
    assert set(spans) == {0, 5}
