"""Who exports: the resource of all spans and metrics of this process."""

import os
from collections.abc import Mapping

from opentelemetry.sdk.resources import SERVICE_NAME, Resource

SERVICE = "fallback"
"""`service.name` unless the environment names another."""


def resource(attributes: Mapping[str, str] | None = None) -> Resource:
    """Returns the resource by OpenTelemetry's variables, with further attributes of ours."""
    environ = os.environ
    is_named = environ.get("OTEL_SERVICE_NAME") or f"{SERVICE_NAME}=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({**(attributes or {}), **({} if is_named else {SERVICE_NAME: SERVICE})})
