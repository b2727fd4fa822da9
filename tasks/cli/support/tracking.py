"""Whether Redis says by itself when a message comes. Asked as workers ask: on a connection, as their user."""

from contextlib import closing

from redis.exceptions import ResponseError

from tasks.transport.tracking import TRACKING_ON, reason
from worker.store.store import Store


def tracking_refusal(own: Store) -> str | None:
    """Returns why this Redis refuses to track, as `reason` does; None if it does not.

    Args:
        own: a store that nobody else uses: the server would push to its connection. It is closed.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    with closing(own):
        try:
            own.run(TRACKING_ON)
        except ResponseError as exc:
            return reason(exc)
        return None
