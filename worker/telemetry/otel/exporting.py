"""Whether this process exports traces or metrics by OTLP, and how that ends; imports nothing of OpenTelemetry."""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Literal

Signal = Literal["traces", "metrics"]

FLUSH = 3.0
"""Seconds that a process which ends waits for the collector to take what is left."""


def is_wanted(signal: Signal, environ: Mapping[str, str] = os.environ) -> bool:
    """Returns whether an environment names an endpoint for a signal, and nothing in it turns that off."""
    name = signal.upper()
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = environ.get(f"OTEL_{name}_EXPORTER", "").strip().lower()
    endpoints = (f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return not is_off and exporter != "none" and any(environ.get(each, "").strip() for each in endpoints)


def end(shutdown: Callable[[], object], signal: Signal) -> None:
    """Calls `shutdown`, which exports what is left, and returns after it or after `FLUSH` seconds."""
    ending = threading.Thread(target=shutdown, name=f"{signal}-end", daemon=True)
    ending.start()
    ending.join(FLUSH)
