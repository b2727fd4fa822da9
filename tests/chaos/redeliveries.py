"""Watches how long a message stays with a worker that no longer renews it."""

from collections.abc import Sequence

from redis import Redis

from tests.chaos.background import Background
from worker.task.lease import LEASE, RENEW_EVERY

_POLL = 0.1
_INDEX = "{fallback}:2:unacked_index"
"""Where kombu keeps when each message in hand was last renewed."""


class Redeliveries(Background):
    """A thread that notes when messages leave the index, of those that no living worker let go.

    Such a worker would have renewed them since.
    """

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._url = redis_url
        self._index: dict[bytes, float] = {}
        self._spans: list[tuple[float, float]] = []

    def after(self, crashes: Sequence[float]) -> list[float]:
        """Returns the seconds from a worker's crash to the redelivery of each message that it held.

        The first crash (epochs) after the last renewal counts: where two came close, at most 3 s too many.
        """
        return [gone - min((at for at in crashes if at >= renewed), default=renewed) for renewed, gone in self._spans]

    def work(self) -> None:
        with Redis.from_url(self._url) as redis:
            while not self.ended.wait(_POLL):
                (seconds, micros), index = redis.pipeline().time().zrange(_INDEX, 0, -1, withscores=True).execute()
                self._note(seconds + micros / 1e6, dict(index))

    def _note(self, now: float, index: dict[bytes, float]) -> None:
        left = (self._index[tag] for tag in self._index.keys() - index.keys())
        self._spans += [(renewed, now) for renewed in left if now - renewed > LEASE - RENEW_EVERY]
        self._index = index
