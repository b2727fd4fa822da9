"""Whether this process exports its metrics by OpenTelemetry; without an endpoint nothing of it is imported."""

import logging
import os
from collections.abc import Callable, Mapping

from config.settings import Settings

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of OpenTelemetry's own; each exporter reads them, with those of headers and certificates beside."""

_log = logging.getLogger(__name__)
_ends: list[Callable[[], None]] = []


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Returns whether an environment names an endpoint for metrics and does not switch the export off."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_METRICS_EXPORTER") == "none"
    return not is_off and any(environ.get(name) for name in ENDPOINTS)


def begin(settings: Settings) -> None:
    """Begins to export what this process counts, where that is wanted."""
    if not is_wanted(os.environ):
        return
    try:
        from worker.telemetry.metrics.otlp import Export  # costs a tenth of a second of CPU
    except ImportError as exc:
        _log.warning("metrics-not-exported reason=%s; pip install 'fallback-workers[otel]'", exc)
        return
    try:
        _ends.append(Export(settings.providers).end)
    except (ValueError, OSError) as exc:
        _log.warning("metrics-not-exported reason=%s", exc)


def end() -> None:
    """Exports what was counted since, and ends."""
    while _ends:
        _ends.pop()()
