"""Whether this process traces; the one door to OpenTelemetry, which is imported behind it alone.

A worker traces where an OTLP endpoint is set and the extra `otel` is installed, or where its process has a tracer
provider of its own. Without either a completion costs one `if`.
"""

import logging
import os
import sys
import threading
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from worker.telemetry.harmless import harmless

if TYPE_CHECKING:
    from worker.telemetry.spans import Tracing

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
TRACEPARENT, TRACESTATE = "traceparent", "tracestate"

FLUSH = 3.0
"""Seconds that a worker which stops waits for the collector to take its last spans."""

_API = "opentelemetry.trace"
_log = logging.getLogger(__name__)
_own: "Tracing | None" = None


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Returns whether the environment asks for traces: an endpoint is set, and nothing turns them off."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporters != "none" and any(environ.get(name, "").strip() for name in ENDPOINTS)


def tracing() -> "Tracing | None":
    """Returns what makes this process's spans, None if it does not trace."""
    if _own is not None:
        return _own
    return _of_process() if _API in sys.modules else None


def load() -> None:
    """Imports the exporter before a pool forks its children, for half a second, if it is wanted and installed."""
    if is_wanted():
        try:
            import worker.telemetry.span_export  # noqa: F401 - heavy, and of an extra
        except ImportError as exc:
            _log.warning("traces-off error=%s; pip install 'fallback-workers[otel]'", exc)


def start() -> None:
    """Begins to export spans, in the process that makes them: no thread of it would outlive a fork."""
    global _own
    if _own is not None or not is_wanted() or tracing():
        return
    try:
        from worker.telemetry.span_export import exporting
    except ImportError:  # `load` has said so
        return
    try:
        _own = exporting()
    except (ValueError, OSError) as exc:
        _log.warning("traces-off error=%s", exc)


def stop() -> None:
    """Exports the last spans, for at most `FLUSH` seconds, and ends."""
    global _own
    if _own is None:
        return
    ending, _own = threading.Thread(target=_own.shutdown, name="traces", daemon=True), None
    ending.start()
    ending.join(FLUSH)


def inject(headers: MutableMapping[str, Any]) -> bool:
    """Adds the active span's context to a message's headers, if there is one; returns whether they have a context."""
    if _API in sys.modules and TRACEPARENT not in headers:
        from worker.telemetry.spans import inject_current  # not imported where nobody traces

        harmless(inject_current)(headers)
    return TRACEPARENT in headers


@harmless
def _of_process() -> "Tracing | None":
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    provider = get_tracer_provider()
    if isinstance(provider, ProxyTracerProvider):
        return None
    from worker.telemetry.spans import tracing_of

    return tracing_of(provider)
