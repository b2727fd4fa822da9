"""Whether this worker's clock may be trusted: deadlines and countdowns of the fleet are told in wall-clock time."""

import logging
import time

from redis import Redis

LIMIT = 2.0
"""Seconds by which a worker's clock may be off the server's."""

_log = logging.getLogger(__name__)


class Clock:
    """What the last comparison with the server's clock found; in a process that makes none the clock is right."""

    def __init__(self) -> None:
        self.right = True
        self._skewed = False

    def distrust(self) -> None:
        """Takes the clock as wrong until a comparison finds it right."""
        self.right = False

    def compare(self, redis: Redis) -> None:
        """Compares with the server's clock, and logs a change.

        Raises:
            redis.exceptions.RedisError: the server did not answer; what was found before stands.
        """
        asked = time.time()
        seconds, microseconds = redis.time()
        off = ahead(asked, seconds + microseconds / 1_000_000, time.time())
        skewed = abs(off) > LIMIT
        if skewed != self._skewed:
            _log.warning("clock-%s seconds=%.1f", "skewed" if skewed else "right", off)
        self._skewed, self.right = skewed, not skewed


def ahead(asked: float, server: float, answered: float) -> float:
    """Returns the seconds by which this clock is ahead at least: a slow answer is not its fault."""
    return asked - server if asked > server else min(answered - server, 0.0)


CLOCK = Clock()
"""This process's."""
