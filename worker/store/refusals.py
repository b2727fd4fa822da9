"""Logs once that Redis refuses writes, with the figures of its memory, and once that it takes them again."""

import logging
import threading
import time

from worker.errors import RedisUnavailable
from worker.store.client import is_full
from worker.store.memory import memory
from worker.store.store import Store

_log = logging.getLogger(__name__)


class Refusals:
    """Whether Redis refused the last write of this process that asked. Many threads may call its methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None  # on the monotonic clock

    def refused(self, store: Store, cause: BaseException) -> None:
        """Records a refusal; the first one is a line of the log."""
        with self._lock:
            is_first, self._since = self._since is None, self._since or time.monotonic()
        if is_first and is_full(cause):
            _log.error("redis-full used=%d max=%d cure=%s", *_figures(store), "raise-maxmemory")
        elif is_first:
            _log.error("redis-refuses-writes error=%s", str(cause).split()[0] if str(cause) else type(cause).__name__)

    def taken(self) -> None:
        """Records that Redis took a write; the first one after a refusal is a line of the log."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            _log.warning("redis-takes-writes seconds=%.1f", time.monotonic() - since)


def _figures(store: Store) -> tuple[int, int]:
    try:
        found = memory(store)
    except RedisUnavailable:
        return 0, 0
    return found.used, found.most


REFUSALS = Refusals()
"""Those of this process."""
