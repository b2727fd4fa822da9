"""Counts in the memory of this process, until the heartbeat adds them to those of the fleet."""

import threading
from bisect import bisect_left
from collections.abc import Iterable

from worker.telemetry.metrics.instruments import Instrument

Labels = tuple[str, ...]
Measurement = tuple[Instrument, Labels, float]
"""An instrument, the values of its labels, and what is added to it or observed by it."""

Field = tuple[str | float, ...]
"""What one integer is of: a name and its labels; of a histogram also the upper bound of a bucket, or `SUM`."""

SUM, LAST = "sum", "+Inf"


class Counts:
    """Integers by field. Many threads may call its methods.

    The fields are bounded, as all labels are.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drops all counts: a forked process begins without its parent's, which may be locked."""
        self._lock = threading.Lock()
        self._counts: dict[Field, int] = {}

    def add(self, measured: Iterable[Measurement]) -> None:
        """Adds measurements, all or none of them to the next `take`."""
        with self._lock:
            for instrument, labels, value in measured:
                if instrument.kind == "counter":
                    self._increment((instrument.name, *labels), round(value * instrument.scale))
                else:
                    self._increment((instrument.name, *labels, bucket(instrument, value)), 1)
                    self._increment((instrument.name, *labels, SUM), round(value * instrument.scale))

    def take(self) -> dict[Field, int]:
        """Returns the counts since the last call, and resets them."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def put_back(self, counts: dict[Field, int]) -> None:
        """Adds counts that were taken, but not stored."""
        with self._lock:
            for field, number in counts.items():
                self._increment(field, number)

    def __bool__(self) -> bool:
        """Returns whether `take` would return anything."""
        return bool(self._counts)

    def _increment(self, field: Field, number: int) -> None:
        self._counts[field] = self._counts.get(field, 0) + number


def bucket(instrument: Instrument, value: float) -> float | str:
    """Returns the upper bound of the bucket that has a value."""
    place = bisect_left(instrument.bounds, value)
    return instrument.bounds[place] if place < len(instrument.bounds) else LAST
