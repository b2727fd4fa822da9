"""Makes the Redis client: of one server, or of the master that Sentinels name."""

from copy import copy
from typing import Any

from redis import Redis, sentinel
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from config.redis_url import Sentinels, sentinels

SENTINEL_TIMEOUT = 1.0
"""Seconds that one Sentinel gets to answer; the next is asked then."""


def refuses_writes(error: BaseException) -> bool:
    """Says whether a server refuses every write for now: it is full, has lost its disk or its replicas, or is one."""
    if isinstance(error, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(("MISCONF", "NOREPLICAS"))


def sentinel_options() -> dict[str, Any]:
    """Returns how a Sentinel is asked, once: redis-py's defaults keep on at one that is gone for seconds."""
    retry = Retry(NoBackoff(), 0)
    return {"socket_timeout": SENTINEL_TIMEOUT, "socket_connect_timeout": SENTINEL_TIMEOUT, "retry": retry}


def client(url: str, timeout: float) -> Redis:
    """Returns a client that tries once and waits for at most `timeout` seconds; answers are decoded.

    Args:
        url: `redis://`, `rediss://`, or `sentinel://` as in config/redis_url.py.
        timeout: seconds to connect in, and for each answer.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "max_connections": 2**31,  # by default the 101st connection is refused
        # Three of the four round trips of a new connection; a busy thread waits for the interpreter after each.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
    }
    known = sentinels(url)
    return _of_master(known, options) if known else Redis.from_url(url, **options)


def _of_master(known: Sentinels, options: dict[str, Any]) -> Redis:
    login = {"username": known.user, "password": known.password, "db": known.database}
    asked: Any = _Sentinel(known.places, sentinel_kwargs=sentinel_options())  # type: ignore[no-untyped-call]  # redis-py
    master: Redis = asked.master_for(known.master, **options, **login)
    return master


class _Sentinel(sentinel.Sentinel):
    """Sentinels that many threads may ask at once."""

    def discover_master(self, service_name: str) -> Any:
        """Returns host and port of the master."""
        # redis-py moves the Sentinel that answered to the front; two threads that do so at once can lose another.
        alone: Any = copy(self)
        alone.sentinels = list(self.sentinels)
        return super(_Sentinel, alone).discover_master(service_name)  # type: ignore[no-untyped-call]  # redis-py
