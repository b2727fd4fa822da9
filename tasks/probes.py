"""The task `fallback.probe`, which beat queues for each provider."""

from tasks.celery import app, settings
from tasks.completion import store
from worker import health
from worker.errors import StoreAway


@app.task(name="fallback.probe", ignore_result=True, throws=(StoreAway,))
def probe(name: str) -> None:
    """Probes a provider, once per slot however many beats ask for it.

    Raises:
        StoreAway: the slot could not be taken; the next one comes.
    """
    if provider := settings.providers.get(name):
        health.probe(store(), provider, settings.health.probe_interval)
