"""Producers that trace: one that has our task, and one that knows its name and uses Celery's own instrumentation."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tasks.local import celery_nodes

_TRACING = """
import json, os, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
request, options = json.load(sys.stdin)
"""
OURS = f"""{_TRACING}
from tasks import complete

with trace.get_tracer("shop").start_as_current_span("order"):
    result = complete.apply_async((request,), **options)
print(result.id)
"""
BY_NAME = f"""{_TRACING}
from celery import Celery
from opentelemetry.instrumentation.celery import CeleryInstrumentor

CeleryInstrumentor().instrument()
app = Celery("shop", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
complete = app.signature("fallback.complete", queue="completions", priority=6)
with trace.get_tracer("shop").start_as_current_span("order"):
    result = complete.apply_async((request,), **options)
print(result.id)
"""


def produce(program: str, stdin: str, environment: Mapping[str, str], folder: Path = celery_nodes.ROOT) -> str:
    """Runs a producer, to which `stdin` gives request and options as JSON; returns the id of what it queued."""
    command = [sys.executable, "-c", program]
    ran = subprocess.run(
        command, cwd=folder, env=dict(environment), input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
