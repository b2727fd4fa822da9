"""Whether this process exports its metrics by OpenTelemetry; without an endpoint nothing of it is imported."""

import logging
from collections.abc import Callable

from config.settings import Settings
from worker.telemetry.otel import exporting

_log = logging.getLogger(__name__)
_ends: list[Callable[[], None]] = []


def begin(settings: Settings) -> None:
    """Begins to export what this process counts, where that is wanted."""
    if not exporting.is_wanted("metrics"):
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
