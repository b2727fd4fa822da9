"""Creates the Redis client: for one server, or for the master that Sentinels name."""

from copy import copy
from typing import Any

from redis import Redis, sentinel
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from config.redis_url import Sentinels, sentinels

SENTINEL_TIMEOUT = 1.0
"""Seconds that a Sentinel has to answer before the next one is asked."""


def refuses_writes(error: BaseException) -> bool:
    """Returns whether a server refuses every write: it is full, is a replica, or has lost its disk or its replicas."""
    if isinstance(error, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(("MISCONF", "NOREPLICAS"))


def is_full(error: BaseException | None) -> bool:
    """Returns whether a refusal is for want of memory."""
    return isinstance(error, OutOfMemoryError)


def refused_by(error: BaseException) -> BaseException | None:
    """Returns the server's refusal of a write behind an error, such as Celery's or kombu's; None if there is none."""
    seen: BaseException | None = error
    while seen is not None and not refuses_writes(seen):
        seen = seen.__cause__ or seen.__context__
    return seen


def sentinel_options() -> dict[str, Any]:
    """Returns options that ask a Sentinel once. By default redis-py retries one that is gone for seconds."""
    retry = Retry(NoBackoff(), 0)
    return {"socket_timeout": SENTINEL_TIMEOUT, "socket_connect_timeout": SENTINEL_TIMEOUT, "retry": retry}


def client(url: str, timeout: float) -> Redis:
    """Returns a client that tries once and waits for at most `timeout` seconds; it decodes answers.

    Args:
        url: `redis://`, `rediss://`, or `sentinel://` as in config/redis_url.py.
        timeout: seconds to connect, and for each answer.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        # These two save three of the four round trips of a connect; a busy thread waits for the interpreter after each.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
    }
    found = sentinels(url)
    return _master_client(found, options) if found else Redis.from_url(url, **options)


def _master_client(found: Sentinels, options: dict[str, Any]) -> Redis:
    login = {"username": found.user, "password": found.password, "db": found.database}
    pool: Any = _Sentinel(found.places, sentinel_kwargs=sentinel_options())  # type: ignore[no-untyped-call]  # redis-py
    master: Redis = pool.master_for(found.master, **options, **login)
    return master


class _Sentinel(sentinel.Sentinel):
    """Sentinels that many threads may ask at the same time."""

    def discover_master(self, service_name: str) -> Any:
        """Returns host and port of the master."""
        # redis-py moves the Sentinel that answered to the front; two threads at the same time can lose one.
        own: Any = copy(self)
        own.sentinels = list(self.sentinels)
        return super(_Sentinel, own).discover_master(service_name)  # type: ignore[no-untyped-call]  # redis-py
