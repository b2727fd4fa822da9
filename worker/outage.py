"""What a process knows of the shared store being away: whom it lets ask, what it logs, what it counts."""

import logging
import threading
import time

ASK_AGAIN = 1.0
"""Seconds for which the server is not asked again after it was away: each call would wait, then fail."""

_log = logging.getLogger(__name__)


class Outage:
    """Whether the store is away, as found by this process's own calls. Its methods may be called from many threads.

    A call that was made before the last change says nothing: its thread may only now have got to run. While the
    store answers, nothing here takes the lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: Exception | None = None
        self._changed = self._ask_at = 0.0  # on the monotonic clock
        self._decisions = 0
        self._counts: dict[str, int] = {}

    def refusal(self) -> Exception | None:
        """Returns why not to ask the store now. Of many who might ask again, it lets one."""
        if self._cause is None:
            return None
        with self._lock:
            now = time.monotonic()
            if now < self._ask_at:
                return self._cause
            self._ask_at = now + ASK_AGAIN
            return None

    def failed(self, asked_at: float, cause: Exception) -> None:
        """Notes that a call made at `asked_at` could not reach the store, or was not answered in time."""
        with self._lock:
            if asked_at < self._changed:
                return
            now, first, self._cause = time.monotonic(), self._cause is None, cause
            self._ask_at = now + ASK_AGAIN
            if first:
                self._changed, self._decisions = now, 0
                self._count("store_away")
        if first:
            _log.warning("store-away error=%s", type(cause).__name__)

    def answered(self, asked_at: float) -> None:
        """Notes that a call made at `asked_at` was answered."""
        if self._cause is None:
            return
        with self._lock:
            if self._cause is None or asked_at < self._changed:
                return
            now, self._cause = time.monotonic(), None
            lasted, self._changed = now - self._changed, now
            decisions = self._decisions
        _log.warning("store-back seconds=%.1f decisions=%d", lasted, decisions)

    def decided(self) -> None:
        """Notes a decision that was made without the store."""
        with self._lock:
            self._decisions += 1
            self._count("decisions_away")

    @property
    def counted(self) -> bool:
        """Says whether there is something to take."""
        return bool(self._counts)

    def take(self) -> dict[str, int]:
        """Returns what was counted since the last time, by the names in `worker.metrics`."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
