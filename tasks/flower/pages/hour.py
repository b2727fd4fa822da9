"""What happened in the last hour: the fleet's sums now, less what they were. Flower notes them all the time."""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from tasks.store import store as this_store
from worker.errors import RedisUnavailable
from worker.store.store import Store, epoch
from worker.telemetry.metrics import instruments
from worker.telemetry.metrics.stored import Sums, parse

EVERY = 30.0
"""Seconds between two notes."""

LONGEST = 3_600.0
"""Seconds that are looked back on."""

MINUTE = 60.0

_Key = tuple[str, str]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Growth:
    """What was counted in so many `seconds`, by what it is and whose.

    Of a provider these are `calls`, `failovers_in`, `failovers_out` and `usd`; of a chain, completions that `ended`.
    """

    seconds: float = 0.0
    counted: dict[_Key, float] = field(default_factory=dict)

    def of(self, what: str, name: str) -> float | None:
        """Returns how much of something was counted, None if there is nothing yet to compare with."""
        return self.counted.get((what, name), 0.0) if self.seconds else None

    def hourly(self, what: str, name: str) -> float | None:
        """Returns how much of it that is in an hour."""
        return self.counted.get((what, name), 0.0) * 3_600 / self.seconds if self.seconds else None


class LastHour:
    """The fleet's sums as they were. Many threads may call its methods."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, dict[_Key, float]]] = deque()
        self._lock = threading.Lock()

    def growth(self, store: Store, seconds: float = LONGEST) -> Growth:
        """Returns what was counted since the oldest note of the last so many seconds.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        now, sums = _read(store)
        with self._lock:
            then, before = next(((at, was) for at, was in self._noted if at >= now - seconds), (now, sums))
        grown = {key: value - before.get(key, 0.0) for key, value in sums.items()}
        return Growth(now - then, grown) if now > then else Growth()

    def note(self, store: Store) -> None:
        """Notes the sums as they are now, and forgets those from before an hour.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        now, sums = _read(store)
        with self._lock:
            if self._noted and any(sums.get(key, 0.0) < value for key, value in self._noted[-1][1].items()):
                self._noted.clear()  # somebody has emptied Redis
            while self._noted and self._noted[0][0] < now - LONGEST - EVERY:
                self._noted.popleft()
            self._noted.append((now, sums))

    def start(self) -> None:
        """Starts a thread that notes the sums as long as this process lives."""
        threading.Thread(target=self._note_on, name="last-hour", daemon=True).start()

    def _note_on(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.note(this_store())
            except (RedisUnavailable, RedisError) as exc:
                _log.warning("sums-missed error=%s", type(exc).__name__)
            pause.wait(EVERY)


def _read(store: Store) -> tuple[float, dict[_Key, float]]:
    time, stored = store.run(("TIME",), ("HGETALL", store.keys.metrics))
    found: dict[_Key, float] = defaultdict(float)
    for key, number in _sums(parse(stored)):
        found[key] += number
    return epoch(time), dict(found)


def _sums(sums: Sums) -> Iterator[tuple[_Key, float]]:
    for (name, labels), number in sums.counters.items():
        if name == instruments.ATTEMPTS.name:
            yield ("calls", labels[0]), number
        elif name == instruments.FAILOVERS.name:
            yield ("failovers_out", labels[0]), number
            yield ("failovers_in", labels[1]), number
        elif name == instruments.COST_USD.name:
            yield ("usd", labels[0]), number
        elif name == instruments.COMPLETIONS.name:
            yield ("ended", labels[0]), number


HOUR = LastHour()
"""That of this process, which Flower's configuration starts."""
