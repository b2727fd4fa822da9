"""Bounds the connections that Celery and kombu hold: whoever finds none free waits for one."""

from typing import Any

from redis import BlockingConnectionPool, ConnectionPool
from redis.sentinel import SentinelConnectionPool

WAIT = 5.0
"""Seconds to wait for a connection: as long as Celery and kombu wait for an answer."""


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """A bounded pool of connections to the master that Sentinels name."""


def blocking(pool: ConnectionPool, most: int) -> ConnectionPool:
    """Returns a pool with the settings of an unused one. With all `most` connections in use a caller waits.

    redis-py's own pool raises an error instead. Here it is raised after `WAIT` seconds: during an outage nobody waits
    behind those who wait for an answer.
    """
    bounds: dict[str, Any] = {"max_connections": most, "timeout": WAIT}
    if isinstance(pool, SentinelConnectionPool):
        sentinels: Any = pool.sentinel_manager  # redis-py has no type for it
        bounded: ConnectionPool = sentinels.master_for(
            pool.service_name, connection_pool_class=_SentinelPool, **bounds
        ).connection_pool
        return bounded
    bounds |= {"connection_class": pool.connection_class, **pool.connection_kwargs}
    return BlockingConnectionPool(**bounds)  # type: ignore[no-untyped-call]  # redis-py has no type for it
