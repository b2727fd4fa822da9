"""A process pays nothing for an export of its metrics where it has none, and hides what the variables hold."""

import subprocess
import sys

from config.settings import load
from tests.collector import collecting
from worker.telemetry.metrics import export

PROGRAM = """
import sys
from config.settings import load
from worker.telemetry.metrics import export, stored
export.begin(load({}))
ours = ("opentelemetry.exporter", "worker.telemetry.metrics.otlp")  # redis-py imports the SDK where it finds it
print([name for name in sys.modules if name.startswith(ours)])
"""


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
