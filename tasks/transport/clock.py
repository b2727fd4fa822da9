"""Compares this worker's clock with that of Redis, because deadlines and countdowns are wall-clock times."""

import logging
import time

from redis import Redis

LIMIT = 2.0
"""Seconds by which a worker's clock may differ from the server's."""

_log = logging.getLogger(__name__)


class Clock:
    """The result of the last comparison; a process that makes none trusts its clock."""

    def __init__(self) -> None:
        self.right = True
        self._skewed = False

    def distrust(self) -> None:
        """Distrusts the clock until a comparison finds it right."""
        self.right = False

    def compare(self, redis: Redis) -> None:
        """Compares with the server's clock, and logs a change.

        Raises:
            redis.exceptions.RedisError: the server did not answer; the last result holds.
        """
        asked = time.time()
        seconds, microseconds = redis.time()
        off = ahead(asked, seconds + microseconds / 1_000_000, time.time())
        skewed = abs(off) > LIMIT
        if skewed != self._skewed:
            _log.warning("clock-%s seconds=%.1f", "skewed" if skewed else "right", off)
        self._skewed, self.right = skewed, not skewed


def ahead(asked: float, server: float, answered: float) -> float:
    """Returns the least number of seconds by which this clock is ahead, so that a slow reply is not taken for skew."""
    return asked - server if asked > server else min(answered - server, 0.0)


CLOCK = Clock()
"""The clock of this process."""
