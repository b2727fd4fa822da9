"""The connection of this process to the shared store."""

from functools import cache

from tasks.celery import settings
from worker.store.store import Store


@cache
def store() -> Store:
    """Returns the store of this process."""
    url, results = settings.redis_url, settings.results
    return Store(
        url,
        settings.namespace,
        settings.providers,
        expires=results.expires,
        max_dead_letters=results.max_dead_letters,
        alerts=settings.alerts,
    )
