"""Tracks a Redis outage in one process: who may try to reach Redis, what is logged, what is counted."""

import logging
import threading
import time

RECONNECT_EVERY = 1.0
"""Seconds between two tries to reach the server during an outage, as each try may wait before it fails."""

_log = logging.getLogger(__name__)


class Outage:
    """Whether there is a Redis outage, from this process's own calls. Many threads may call its methods.

    1. A call that was made before the last change does not count: its thread may have waited for a core.
    2. While the store answers, `refusal` and `answered` take no lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: Exception | None = None
        self._changed = self._next_try = 0.0  # on the monotonic clock
        self._decisions = 0
        self._counts: dict[str, int] = {}

    def refusal(self) -> Exception | None:
        """Returns why the store must not be asked now, else None: in an outage for one call per `RECONNECT_EVERY`."""
        if self._cause is None:
            return None
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return self._cause
            self._next_try = now + RECONNECT_EVERY
            return None

    @property
    def seconds(self) -> float:
        """Returns for how long the outage lasts, 0 without one."""
        return 0.0 if self._cause is None else time.monotonic() - self._changed

    def failed(self, asked_at: float, cause: Exception) -> None:
        """Records that a call made at `asked_at` did not reach the store, or was not answered in time."""
        with self._lock:
            if asked_at < self._changed:
                return
            now, first, self._cause = time.monotonic(), self._cause is None, cause
            self._next_try = now + RECONNECT_EVERY
            if first:
                self._changed, self._decisions = now, 0
                self._count("redis_outages")
        if first:
            _log.warning("redis-unavailable error=%s", type(cause).__name__)

    def answered(self, asked_at: float) -> None:
        """Records that a call made at `asked_at` was answered."""
        if self._cause is None:
            return
        with self._lock:
            if self._cause is None or asked_at < self._changed:
                return
            now, self._cause = time.monotonic(), None
            lasted, self._changed = now - self._changed, now
            decisions = self._decisions
        _log.warning("redis-back seconds=%.1f decisions=%d", lasted, decisions)

    def decided(self) -> None:
        """Counts a decision that was made without the store."""
        with self._lock:
            self._decisions += 1
            self._count("decisions_without_redis")

    @property
    def counted(self) -> bool:
        """Returns whether `take` would return anything."""
        return bool(self._counts)

    def take(self) -> dict[str, int]:
        """Returns the counts since the last call, by the names in `worker.telemetry.counters`, and resets them."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
