"""Whether a process exports its metrics, and that it pays nothing where it does not."""

import subprocess
import sys

import pytest

from config.settings import load
from tests.collector import collecting
from worker.telemetry.metrics import export
from worker.telemetry.metrics.export import is_wanted

PROGRAM = """
import sys
from config.settings import load
from worker.telemetry.metrics import export, stored
export.begin(load({}))
ours = ("opentelemetry.exporter", "worker.telemetry.metrics.otlp")  # redis-py imports the SDK where it finds it
print([name for name in sys.modules if name.startswith(ours)])
"""


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_METRICS_EXPORTER": "none"}, False),
    ],
)
def test_an_endpoint_for_metrics_is_what_it_takes(environ, wanted):
    assert is_wanted(environ) == wanted


def test_without_an_endpoint_nothing_of_it_is_imported(clean_environment):
    environ = {name: value for name, value in clean_environment.items() if not name.startswith("OTEL_")}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_headers_that_cannot_be_read_are_not_logged(monkeypatch, caplog):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{collector.url}/v1/metrics")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer sesame")
        export.begin(load({}))
        export.end()
    assert "OTEL_EXPORTER_OTLP_HEADERS" in caplog.text
    assert "sesame" not in caplog.text
