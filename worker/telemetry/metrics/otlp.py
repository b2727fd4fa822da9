"""Exports what this process counts to an OTLP collector, from a thread of its own: never the fleet's sums.

OpenTelemetry's own variables (`OTEL_*`) configure it: endpoint, headers, interval, resource. Nothing waits for the
collector. A process has its own `service.instance.id`, so that the receiver adds processes up.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID

from config.outcomes import Outcome
from config.providers import Provider
from worker.admission.bulkheads import BULKHEADS
from worker.task.journal import Entry
from worker.telemetry.metrics.counts import Measurement
from worker.telemetry.metrics.instruments import BREAKER_TRANSITIONS, INSTRUMENTS, PREFIX, doubling
from worker.telemetry.metrics.recording import METRICS
from worker.telemetry.otel import exporting, genai, header_values
from worker.telemetry.otel.resource import resource

SCOPE = "fallback"

_DURATIONS = doubling(0.01, 13)
_TOKENS = tuple(float(4**n) for n in range(14))
"""The buckets that the convention names."""

_SDK = ("opentelemetry.exporter.otlp.proto.http.metric_exporter", "opentelemetry.sdk.metrics._internal.export")
"""Loggers that write several lines for each export that a collector does not take."""

_log = logging.getLogger(__name__)


class Export:
    """This process's instruments at OpenTelemetry."""

    def __init__(self, providers: Mapping[str, Provider], exporter: MetricExporter | None = None) -> None:
        """Begins to export.

        Args:
            providers: those that may be asked.
            exporter: sends the metrics; None for OTLP over HTTP, as the environment configures it.

        Raises:
            ValueError: a variable of OpenTelemetry's has no valid value.
            OSError: a certificate that one names cannot be read.
        """
        self._providers = providers
        header_values.hide()
        quiet = _Quiet()
        for name in _SDK:
            logging.getLogger(name).addFilter(quiet)
        reader = PeriodicExportingMetricReader(exporter or OTLPMetricExporter())
        self._provider = MeterProvider(
            [reader], resource({SERVICE_INSTANCE_ID: METRICS.process}), shutdown_on_exit=False
        )
        meter = self._provider.get_meter(SCOPE)
        own = [each for each in INSTRUMENTS if each is not BREAKER_TRANSITIONS]  # Redis counts these, for the fleet
        self._counters = {
            each.name: meter.create_counter(each.family, description=each.text)
            for each in own
            if each.kind == "counter"
        }
        self._histograms: dict[str, Histogram] = {
            each.name: meter.create_histogram(
                each.family, "s", each.text, explicit_bucket_boundaries_advisory=each.bounds
            )
            for each in own
            if each.kind == "histogram"
        }
        meter.create_observable_up_down_counter(f"{PREFIX}in_flight", [_in_flight], description="Calls in flight.")
        self._duration = meter.create_histogram(
            genai.OPERATION_DURATION, "s", "Length of a call.", explicit_bucket_boundaries_advisory=_DURATIONS
        )
        self._usage = meter.create_histogram(
            genai.TOKEN_USAGE, "{token}", "Tokens of a call.", explicit_bucket_boundaries_advisory=_TOKENS
        )
        METRICS.observer = self.observe

    def observe(self, measured: Sequence[Measurement], entry: Entry | None) -> None:
        """Records what was measured, and of an attempt what the convention asks for."""
        for instrument, values, value in measured:
            attributes = dict(zip(instrument.labels, values, strict=True))
            if instrument.kind == "counter":
                self._counters[instrument.name].add(value, attributes)
            else:
                self._histograms[instrument.name].record(value, attributes)
        if entry and (provider := self._providers.get(entry.provider)):
            self._observe_call(entry, provider)

    def end(self) -> None:
        """Exports what was measured since, and ends."""
        METRICS.observer = None
        exporting.end(self._provider.shutdown, "metrics")

    def _observe_call(self, entry: Entry, provider: Provider) -> None:
        address, port = genai.server(provider.base_url)
        attributes: dict[str, str | int] = {
            genai.OPERATION_NAME: genai.CHAT,
            genai.PROVIDER_NAME: genai.vendor(provider),
            genai.REQUEST_MODEL: entry.model or "",
            genai.SERVER_ADDRESS: address,
            genai.SERVER_PORT: port,
        }
        failed: dict[str, str | int] = (
            {} if entry.outcome == Outcome.SUCCESS else {genai.ERROR_TYPE: str(entry.outcome)}
        )
        self._duration.record((entry.latency_ms or 0.0) / 1000, attributes | failed)
        for kind, name in (("prompt", "input"), ("completion", "output")):
            if entry.tokens:
                self._usage.record(entry.tokens[kind], attributes | {genai.TOKEN_TYPE: name})


class _Quiet(logging.Filter):
    """Replaces the SDK's lines about an export that failed by one of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        _log.warning("metrics-not-exported reason=%s", record.getMessage()[:200])
        return False


def _in_flight(_: CallbackOptions) -> Iterator[Observation]:
    yield from (Observation(calls, {"provider": name}) for name, calls in BULKHEADS.in_flight().items())
