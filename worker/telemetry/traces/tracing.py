"""Whether this process traces; the one door to spans: what they need of OpenTelemetry is imported behind it alone.

A worker traces where an OTLP endpoint is set and the extra `otel` is installed, or where its process has a tracer
provider of its own. Without either a completion costs one `if`.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from worker.telemetry.harmless import harmless
from worker.telemetry.otel import exporting

if TYPE_CHECKING:
    from worker.telemetry.traces.spans import Tracing

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"

_API = "opentelemetry.trace"
_log = logging.getLogger(__name__)
_own: "Tracing | None" = None


def tracing() -> "Tracing | None":
    """Returns what makes this process's spans, None if it does not trace."""
    if _own is not None:
        return _own
    return _of_process() if _API in sys.modules else None


def load() -> None:
    """Imports the exporter before a pool forks its children, for half a second, if it is wanted and installed."""
    if exporting.is_wanted("traces"):
        try:
            import worker.telemetry.traces.span_export  # noqa: F401 - heavy, and of an extra
        except ImportError as exc:
            _log.warning("traces-off error=%s; pip install 'fallback-workers[otel]'", exc)


def start() -> None:
    """Begins to export spans, in the process that makes them: no thread of it would outlive a fork."""
    global _own
    if _own is not None or not exporting.is_wanted("traces") or tracing():
        return
    try:
        from worker.telemetry.traces.span_export import begin
    except ImportError:  # `load` has said so
        return
    try:
        _own = begin()
    except (ValueError, OSError) as exc:
        _log.warning("traces-off error=%s", exc)


def stop() -> None:
    """Exports the last spans, and ends."""
    global _own
    if _own is not None:
        ending, _own = _own, None
        exporting.end(ending.shutdown, "traces")


def inject(headers: MutableMapping[str, Any]) -> bool:
    """Adds the active span's context to a message's headers, if there is one; returns whether they have a context."""
    if _API in sys.modules and TRACEPARENT not in headers:
        from worker.telemetry.traces.spans import inject_current  # not imported where nobody traces

        harmless(inject_current)(headers)
    return TRACEPARENT in headers


@harmless
def _of_process() -> "Tracing | None":
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    provider = get_tracer_provider()
    if isinstance(provider, ProxyTracerProvider):
        return None
    from worker.telemetry.traces.spans import tracing_of

    return tracing_of(provider)
