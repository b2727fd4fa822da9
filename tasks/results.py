"""Where Celery keeps results: as its own backends do, but an answer also waits for room in a full Redis."""

from celery.backends import redis
from redis.exceptions import OutOfMemoryError


class RedisBackend(redis.RedisBackend):
    """Celery's backend, which also tries again what a full Redis refuses."""

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Says whether what was not stored may be tried again."""
        return isinstance(exc, OutOfMemoryError) or bool(super().exception_safe_to_retry(exc))


class SentinelBackend(RedisBackend, redis.SentinelBackend):
    """The same, on the master that Sentinels name."""
