"""The environment of what a benchmark starts."""

import os

_CONFIGURATION = ("FALLBACK_", "ANTHROPIC_", "OPENAI_", "LLAMA_CPP_", "CELERY_", "REDIS_", "OTEL_")


def inherited() -> dict[str, str]:
    """Returns this process's own, without what would configure a worker."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_CONFIGURATION)}
