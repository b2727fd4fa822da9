"""Our part of a message's headers, which anybody may write."""

from typing import Any

import pytest
from celery.app.task import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from tasks.headers import is_newer, read_stage, trace_context
from worker.errors import InvalidRequest
from worker.telemetry.traces import tracing

BAD = [
    (5, "request: must be an object"),
    ([1], "request: must be an object"),
    ({"step": -1}, "step: must be greater than or equal to 0"),
    ({"step": "1"}, "step: must be a valid integer"),
    ({"step": 2**53}, "step: must be less than 2147483648"),
    ({"remaining": "claude"}, "remaining: must be a list"),
    ({"remaining": [None]}, "remaining.0: must be a valid string"),
    ({"deadline_at": float("nan")}, "deadline_at: must be a finite number"),
    ({"deadline_at": "never"}, "deadline_at: must be a valid number"),
    ({"queued_at": -1}, "queued_at: must be greater than or equal to 0"),
    ({"version": True}, "version: must be a valid integer"),
]


@pytest.mark.parametrize(("header", "reason"), BAD)
def test_headers_of_ours_that_are_none_are_refused(header: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_stage({"fallback": header})
    assert str(refused.value) == f"headers.fallback: {reason}"


@pytest.mark.parametrize("given", [None, {}, {"fallback": {"version": 0, "later": 1}}, {"fallback": {"step": 2}}])
def test_a_stage_is_read_of_no_headers_of_the_version_before_and_past_unknown_fields(given: Any) -> None:
    assert read_stage(given).remaining is None


@pytest.mark.parametrize(
    ("version", "newer"), [(0, False), (1, False), (4, False), (5, True), (10**20, True), ("3", False)]
)
def test_a_later_version_is_recognised_by_its_number(version: Any, newer: bool) -> None:
    assert is_newer({"fallback": {"version": version}}) is newer


CONTEXT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "vendor=1"}


def test_a_trace_context_is_among_the_headers():
    assert trace_context(Context({"id": "task", **CONTEXT})) == CONTEXT


def test_a_trace_context_beside_nested_headers_is_found_too():
    assert trace_context(Context({"id": "task", "headers": {"fallback": {}}, **CONTEXT})) == CONTEXT


@pytest.mark.parametrize("headers", [{}, {"traceparent": 7}, {"traceparent": None, "tracestate": ["a"]}])
def test_without_one_there_is_none(headers):
    assert trace_context(Context({"id": "task", **headers})) == {}


def test_nothing_is_added_to_a_message_outside_a_span():
    headers: dict[str, object] = {}
    assert not tracing.inject(headers)
    assert headers == {}


def test_the_active_span_s_context_is_added_unless_there_is_one():
    with use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)))):
        headers: dict[str, object] = {}
        assert tracing.inject(headers)
        assert headers == {"traceparent": f"00-{1:032x}-{2:016x}-01"}
        given = dict(CONTEXT)
        assert tracing.inject(given)
        assert given == CONTEXT
