"""Where Celery keeps results: as its own backends do, but an answer also waits for a Redis that refuses writes."""

from celery.backends import redis

from worker.client import refuses_writes


class RedisBackend(redis.RedisBackend):
    """Celery's backend, which also tries again what Redis refuses while it takes no writes."""

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Says whether what was not stored may be tried again."""
        return refuses_writes(exc) or bool(super().exception_safe_to_retry(exc))


class SentinelBackend(RedisBackend, redis.SentinelBackend):
    """The same, on the master that Sentinels name."""
