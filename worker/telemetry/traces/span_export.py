"""Exports a worker's spans to an OTLP collector, in batches, from a thread of its own.

OpenTelemetry's own variables (`OTEL_*`) configure it: endpoint, headers, sampler, resource, sizes of queue and batch.
What does not fit into the queue is lost; nothing waits for the collector.
"""

import logging
import threading
import time
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from worker.telemetry.otel import header_values
from worker.telemetry.otel.resource import resource
from worker.telemetry.traces.spans import SCOPE, Tracing, sampling_of

QUIET = 60.0
"""Seconds between two lines that say that spans were lost."""

_SDK = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
"""Loggers that write several lines for each batch that a collector does not take."""

_log = logging.getLogger(__name__)


class ChosenIds(RandomIdGenerator):
    """Random ids, except for the next root span of a thread that has set them."""

    def __init__(self) -> None:
        self._chosen = threading.local()

    def next_root(self, trace_id: int, span_id: int) -> None:
        """Sets the ids of this thread's next root span."""
        self._chosen.ids = [span_id, trace_id]

    def generate_trace_id(self) -> int:
        """Returns the id of a trace."""
        return self._next() or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Returns the id of a span; of a root it is asked for after that of its trace."""
        return self._next() or super().generate_span_id()

    def _next(self) -> int:
        ids: list[int] = getattr(self._chosen, "ids", [])
        return ids.pop() if ids else 0


class QuietExporter(SpanExporter):
    """An exporter that says at most once a minute that it loses spans, and why."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost, self._said_at = 0, float("-inf")
        self._reason = _Reason()
        for name in _SDK:
            logging.getLogger(name).addFilter(self._reason)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch."""
        self._reason.first = ""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
            now = time.monotonic()
            if now - self._said_at >= QUIET:
                _log.warning("traces-lost spans=%d reason=%s", self._lost, self._reason.first)
                self._said_at, self._lost = now, 0
        return result

    def shutdown(self) -> None:
        """Ends it."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Returns whether everything was sent."""
        return self._exporter.force_flush(timeout_millis)


class _Reason(logging.Filter):
    """Keeps the SDK's lines out of the log, and the words of the first one of an export."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.first = self.first or record.getMessage()[:200]
        return False


def begin() -> Tracing:
    """Returns what makes this process's spans, and starts the thread that exports them.

    Raises:
        ValueError: a variable of OpenTelemetry's has no valid value.
        OSError: a certificate that one names cannot be read.
    """
    header_values.hide()
    ids = ChosenIds()
    provider = TracerProvider(resource=resource(), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(QuietExporter(OTLPSpanExporter())))
    return Tracing(provider.get_tracer(SCOPE), sampling_of(provider), ids, provider.shutdown)
