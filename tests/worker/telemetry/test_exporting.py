"""Whether the environment asks for an export of traces or of metrics."""

import pytest

from worker.telemetry.otel.exporting import is_wanted

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        (ENDPOINT, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, False, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": " True"}, False, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "None"}, False, True),
        (ENDPOINT | {"OTEL_METRICS_EXPORTER": "None"}, True, False),
    ],
)
def test_an_endpoint_turns_each_on_unless_something_turns_it_off(
    environ: dict[str, str], traces: bool, metrics: bool
) -> None:
    assert (is_wanted("traces", environ), is_wanted("metrics", environ)) == (traces, metrics)
