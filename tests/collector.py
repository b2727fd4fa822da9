"""An OTLP collector: it keeps the spans that are posted to it, as OpenTelemetry's own protobuf package reads them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

Status, Kind = trace_pb2.Status.StatusCode, trace_pb2.Span.SpanKind


@dataclass(frozen=True)
class Span:
    """One span; `start` and `end` are epochs in seconds, `events` have name and attributes."""

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    start: float
    end: float
    status: str
    service: str
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP; `raw` has bodies of traces, `metrics` of metrics. Until `released` it does not answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Export)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.spans: list[Span] = []
        self.raw: list[bytes] = []
        self.metrics: list[bytes] = []
        self.released = threading.Event()
        self.released.set()

    def of_trace(self, trace: str) -> list[Span]:
        """Returns a trace's spans, ordered by their start."""
        return sorted((span for span in self.spans if span.trace == trace), key=lambda span: span.start)

    def of_task(self, task_id: str) -> list[Span]:
        """Returns the spans of the one trace that a task is in, none if it is in none yet."""
        traces = {span.trace for span in self.spans if span.attributes.get("messaging.message.id") == task_id}
        assert len(traces) <= 1, f"{len(traces)} traces"
        return self.of_trace(traces.pop()) if traces else []

    def is_over(self, task_id: str) -> bool:
        """Returns whether the span of a task's last delivery has come."""
        ends = ("retry", "parked", None)
        return any(
            span.name == "fallback.complete" and span.attributes.get("fallback.outcome") not in ends
            for span in self.of_task(task_id)
        )


class _Export(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.released.wait(60)
        if self.path == "/v1/traces":
            self.server.raw.append(body)
            self.server.spans += _spans(body)
        elif self.path == "/v1/metrics":
            self.server.metrics.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _spans(body: bytes) -> Iterator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    Kind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    span.start_time_unix_nano / 1e9,
                    span.end_time_unix_nano / 1e9,
                    Status.Name(span.status.code).removeprefix("STATUS_CODE_"),
                    service,
                    _attributes(span.attributes),
                    [(event.name, _attributes(event.attributes)) for event in span.events],
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    if value.WhichOneof("value") == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Serves until the block ends."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield collector
        collector.released.set()
        collector.shutdown()
        thread.join(10)
