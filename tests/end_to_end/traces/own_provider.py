"""Sets up a tracer provider of a worker's process: `-I tests.end_to_end.traces.own_provider`."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

if url := os.environ.get("SHOP_COLLECTOR"):
    provider = TracerProvider(resource=Resource.create({"service.name": "shop-worker"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    trace.set_tracer_provider(provider)
