"""Compares this process's clock with that of Redis, because deadlines and due times are wall-clock times.

A worker compares every few seconds, by its heartbeat. A producer compares when it queues something, at most once in
`HOLDS` seconds: all processes of a fleet then mean the same instant, whatever their hosts' clocks say.
"""

import logging
import time
from collections.abc import Callable

from redis.exceptions import ResponseError

from tasks.store import store
from worker.errors import RedisUnavailable

LIMIT = 2.0
"""Seconds by which a worker's clock may differ from the server's."""

HOLDS = 60.0
"""Seconds that a comparison holds for a producer. A quartz clock drifts by about 3 ms meanwhile."""

_STEPPED = 0.05
"""Seconds by which the clock may leave the monotonic one before it counts as set anew, as after a suspension."""

_log = logging.getLogger(__name__)


class Clock:
    """The result of the last comparison; before the first, a process trusts its clock.

    Attributes:
        right: whether it differs by at most `LIMIT`.
        ahead: seconds by which this clock is ahead of the server's.
    """

    def __init__(self) -> None:
        self.right = True
        self.ahead = 0.0
        self._skewed = False
        self._compared_at, self._stepped = 0.0, 0.0

    def distrust(self) -> None:
        """Distrusts the clock until a comparison finds it right."""
        self.right = False

    def now(self) -> float:
        """Returns the epoch in seconds by the server's clock, as far as it is known."""
        return time.time() - self.ahead

    def compare(self, ask: Callable[[], tuple[int, int]]) -> None:
        """Measures, decides whether the clock is right, and logs a change.

        Raises:
            redis.exceptions.RedisError, RedisUnavailable: the server did not answer; the last result holds.
        """
        off = self.measure(ask)
        skewed = abs(off) > LIMIT
        if skewed != self._skewed:
            _log.warning("clock-%s seconds=%.1f", "skewed" if skewed else "right", off)
        self._skewed, self.right = skewed, not skewed

    def measure(self, ask: Callable[[], tuple[int, int]]) -> float:
        """Measures how far this clock is ahead; returns the least that the answer allows, negative if it is behind.

        Args:
            ask: returns the server's time, as TIME does.

        Raises:
            redis.exceptions.RedisError, RedisUnavailable: as `compare`.
        """
        asked = time.time()
        seconds, microseconds = ask()
        answered, server = time.time(), seconds + microseconds / 1_000_000
        self.ahead = ahead(asked, server, answered, self.ahead)
        self.hold()
        return ahead(asked, server, answered)

    def hold(self) -> None:
        """Lets the last result hold for another `HOLDS` seconds."""
        self._compared_at = time.monotonic()
        self._stepped = time.time() - self._compared_at

    @property
    def is_due(self) -> bool:
        """Returns whether the last result holds no longer: it is old, or this clock was set anew."""
        now = time.monotonic()
        stepped = abs(time.time() - now - self._stepped) > _STEPPED
        return not self._compared_at or stepped or now - self._compared_at > HOLDS


def ahead(asked: float, server: float, answered: float, before: float = 0.0) -> float:
    """Returns by how many seconds this clock is ahead: of what the answer allows, what is nearest to `before`.

    So a slow reply is not taken for skew.
    """
    return min(max(before, asked - server), answered - server)


CLOCK = Clock()
"""The clock of this process."""


def redis_now() -> float:
    """Returns the epoch in seconds by the server's clock; it costs a round trip if the last one is too old.

    If Redis cannot be asked, the last result holds, else this process's clock: publishing then fails anyway, or the
    Redis user may not call TIME.
    """
    if CLOCK.is_due:
        try:
            CLOCK.measure(lambda: store().run(("TIME",))[0])
        except ResponseError:
            CLOCK.hold()
        except RedisUnavailable:
            pass
    return CLOCK.now()
