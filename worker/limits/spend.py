"""Reads what was spent: one hash a day, which the script writes that records an attempt; see lua/limits/ledger.lua."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from worker.limits.bill import Figures, Row
from worker.store.store import Store

DAYS_KEPT = 35

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one row of a day sums up."""

    day: date
    row: Row
    figures: Figures


def spent(store: Store, days: int) -> list[Spent]:
    """Returns the rows of the last `days` days in UTC, today's last.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    today = datetime.fromtimestamp(store.time(), UTC).date()
    wanted = [today - timedelta(days=back) for back in reversed(range(days))]
    hashes = store.run(*(("HGETALL", store.keys.spend((day - _EPOCH).days)) for day in wanted))
    return [each for day, stored in zip(wanted, hashes, strict=True) for each in _rows(day, stored)]


def _rows(day: date, stored: dict[str, str]) -> Iterator[Spent]:
    for row, figures in stored.items():
        yield Spent(day, Row(*json.loads(row)), Figures(*map(int, figures.split())))
