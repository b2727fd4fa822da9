"""The task `fallback.probe`, which beat queues for each provider."""

from tasks.celery import app, settings
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.health import health


@app.task(name="fallback.probe", ignore_result=True, throws=(RedisUnavailable,))
def probe(name: str) -> None:
    """Probes a provider, at most once per slot, even if several beats queue it.

    Raises:
        RedisUnavailable: the slot could not be claimed; the next probe is queued anyway.
    """
    provider = settings.providers.get(name)
    if provider and provider.enabled:
        health.probe(store(), provider, settings.health.probe_interval)
