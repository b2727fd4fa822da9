"""One trace from a producer over the queue and a worker to the providers, through retries, failovers and parking."""

import pytest

from tasks.local.celery_nodes import ROOT
from tasks.local.llmock import LLMock
from tests.collector import Collector, Span
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.traces.conftest import ANSWER, KEY, PROMPT, REQUEST, Producer, trace_of
from tests.end_to_end.traces.producers import OURS
from tests.end_to_end.traces.tap import Tap
from tests.end_to_end.vendors import fail, script
from tests.waiting import wait_until
from worker.admission.breaker import control
from worker.task.parking import count

PROVIDERS = ("claude", "llama_cpp", "openai")


@pytest.fixture(scope="module")
def shared_settings(traced_environment: dict[str, str]) -> dict[str, str]:
    return traced_environment | {
        "FALLBACK_CHAINS__LOW_COST__WHEN_EXHAUSTED": "wait",
        "FALLBACK_CHAINS__DEFAULT__RETRY__MAX_RETRIES": "1",
    }


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def gaps(spans: list[Span]) -> float:
    """Returns the seconds of a completion's trace, from its first delivery on, in which no span of ours was open."""
    ours = [span for span in spans if span.service == "fallback"]
    end, missing = ours[0].end, 0.0
    for span in ours[1:]:
        missing += max(0.0, span.start - end)
        end = max(end, span.end)
    return missing


def test_a_retry_and_a_failover_are_one_trace_to_the_providers(
    producer: Producer, collector: Collector, tap: Tap, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529)
    script(llmock, "llama_cpp", "reply", text=ANSWER)
    spans = trace_of(collector, producer.order())
    calls = [span for span in spans if span.kind == "CLIENT"]
    assert [(call.attributes["fallback.provider"], call.status) for call in calls] == [
        ("claude", "ERROR"),
        ("claude", "ERROR"),
        ("llama_cpp", "UNSET"),
    ]
    assert [call.attributes["fallback.attempt"] for call in calls] == [1, 2, 3]
    assert [str(heard).split("-")[1:3] for heard in tap.heard] == [[call.trace, call.id] for call in calls]
    assert all(int(str(heard)[-2:], 16) & 1 for heard in tap.heard)  # sampled
    deliveries = named(spans, "fallback.complete")
    assert [span.attributes["fallback.outcome"] for span in deliveries] == ["retry", "answered"]
    assert [call.parent for call in calls] == [deliveries[0].id, *[deliveries[1].id] * 2]
    order = named(spans, "order")[0]
    by_instrumentation = named(spans, "apply_async/fallback.complete")
    sender = by_instrumentation[0] if by_instrumentation else order
    assert {span.parent for span in deliveries} == {sender.id}
    assert order.service == "shop"


def test_nothing_between_the_first_delivery_and_the_answer_is_unexplained(
    producer: Producer, collector: Collector, tap: Tap, llmock: LLMock
) -> None:
    fail(llmock, "claude", 529, times=1)
    spans = trace_of(collector, producer.order())
    assert len(named(spans, "fallback.backoff")) == 1
    assert gaps(spans) < 0.005
    backoff = named(spans, "fallback.backoff")[0]
    assert 0.05 <= backoff.end - backoff.start <= 0.2


def test_a_parked_completion_s_trace_shows_how_long_it_was(
    shared_setup: LocalSetup, collector: Collector, tap: Tap
) -> None:
    for provider in PROVIDERS:
        control(shared_setup.store, provider, "open", by="test")
    result = shared_setup.complete(REQUEST, "low-cost")
    wait_until(lambda: count(shared_setup.store) == 1)
    for provider in PROVIDERS:
        control(shared_setup.store, provider, "reset", by="test")
    result.get(timeout=30)
    spans = trace_of(collector, result.id)
    first, last = named(spans, "fallback.complete")
    assert first.attributes["fallback.outcome"] == "parked"
    assert [(name, event["fallback.reason"]) for name, event in first.events] == [
        ("fallback.skipped", "forced-open")
    ] * 3
    (parked,) = named(spans, "fallback.parked")
    assert abs(parked.start - first.end) < 0.01
    assert abs(parked.end - last.start) < 0.01
    assert gaps(spans) < 0.01
    assert (first.parent, last.parent) == ("", first.id)


def test_one_that_was_due_later_shows_how_long_it_was_scheduled(
    shared_setup: LocalSetup, collector: Collector, tap: Tap
) -> None:
    producer = Producer(shared_setup, OURS, ROOT)
    spans = trace_of(collector, producer.order(countdown=0.5))
    (scheduled,) = named(spans, "fallback.scheduled")
    assert pytest.approx(scheduled.end - scheduled.start, abs=0.01) == 0.5
    assert gaps([scheduled, *[span for span in spans if span.start >= scheduled.end - 0.001]]) < 0.01


def test_an_attempt_s_span_has_what_the_conventions_name(
    shared_setup: LocalSetup, collector: Collector, tap: Tap
) -> None:
    result = shared_setup.complete(REQUEST)
    answer = result.get(timeout=30)
    (call,) = [span for span in trace_of(collector, result.id) if span.kind == "CLIENT"]
    told = call.attributes
    assert call.name == f"chat {told['gen_ai.request.model']}"
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "anthropic"
    assert told["gen_ai.request.stream"] is True
    assert told["gen_ai.response.model"] == answer["model"]
    assert told["gen_ai.response.id"] == answer["id"]
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert 0 < told["gen_ai.response.time_to_first_chunk"] < 5
    assert told["gen_ai.usage.input_tokens"] == answer["usage"]["prompt_tokens"]
    assert told["gen_ai.usage.output_tokens"] == answer["usage"]["completion_tokens"]
    assert {"gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.cache_read.input_tokens"} <= told.keys()
    assert "gen_ai.usage.cache_write.input_tokens" in told
    assert (told["server.address"], told["server.port"]) == ("127.0.0.1", tap.server_port)
    assert "error.type" not in told


def test_a_failure_s_class_is_the_error_s_type(shared_setup: LocalSetup, collector: Collector, llmock: LLMock) -> None:
    for provider in PROVIDERS:
        fail(llmock, provider, 400, message="no")
    result = shared_setup.complete(REQUEST)
    failed = result.get(timeout=30, propagate=False)
    spans = trace_of(collector, result.id)
    assert named(spans, "fallback.complete")[-1].attributes["error.type"] == type(failed).__name__
    assert named(spans, "fallback.complete")[-1].status == "ERROR"
    call = next(span for span in spans if span.kind == "CLIENT")
    assert (call.status, call.attributes["http.response.status_code"]) == ("ERROR", 400)
    assert call.attributes["error.type"] == "invalid"


def test_no_span_has_prompt_answer_or_key(
    shared_setup: LocalSetup, collector: Collector, tap: Tap, llmock: LLMock
) -> None:
    fail(llmock, "claude", 500, times=1, message=f"{KEY} may not say {PROMPT}")
    script(llmock, "claude", "reply", text=ANSWER)
    for status in (None, 401, 422):
        if status:
            llmock.reset()
            for provider in PROVIDERS:
                fail(llmock, provider, status, message=f"{KEY} may not say {PROMPT}")
        result = shared_setup.complete(REQUEST)
        result.get(timeout=30, propagate=False)
        trace_of(collector, result.id)
    told = b"".join(collector.raw)
    assert [secret for secret in (PROMPT, ANSWER, KEY) if secret.encode() in told] == []
    assert b"fallback.complete" in told


def test_a_lost_worker_s_completion_goes_on_in_its_trace(
    shared_setup: LocalSetup, collector: Collector, tap: Tap, llmock: LLMock
) -> None:
    script(llmock, "claude", "delay", times=1, seconds=2.0)
    result = shared_setup.complete(REQUEST)
    wait_until(lambda: tap.heard)
    shared_setup.worker.process.kill()
    shared_setup.worker.process.start()
    shared_setup.store.redis.hset(shared_setup.store.keys.task(result.id), "until", 0)
    for tag in shared_setup.store.redis.hkeys("{fallback}:2:unacked"):
        shared_setup.store.redis.zadd("{fallback}:2:unacked_index", {tag: 0}, xx=True)
    result.get(timeout=30)
    spans = trace_of(collector, result.id)
    (lost,) = named(spans, "fallback.redelivery")
    assert (lost.status, lost.attributes["fallback.provider"]) == ("ERROR", "claude")
    (last,) = named(spans, "fallback.complete")
    assert abs(lost.end - last.start) < 0.01
    assert last.parent == lost.parent != ""
