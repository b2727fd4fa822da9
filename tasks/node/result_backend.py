"""Celery's result backends, which also retry while Redis refuses writes."""

from celery.backends import redis

from worker.store.client import refuses_writes


class RedisBackend(redis.RedisBackend):
    """Celery's backend, which also retries a write that Redis refuses for the moment."""

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Returns whether to retry after this error."""
        return refuses_writes(exc) or bool(super().exception_safe_to_retry(exc))


class SentinelBackend(RedisBackend, redis.SentinelBackend):
    """The same, on the master that Sentinels name."""
