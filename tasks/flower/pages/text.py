"""How a page shows values."""

import math
from datetime import UTC, datetime

from worker.diagnosis.durations import span

NONE = "-"


def instant(epoch: float) -> str:
    """Returns an epoch in seconds as UTC, such as `2026-11-27 12:06:30`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(epoch: float) -> str:
    """Returns the time of day of an epoch in UTC, such as `12:06:30`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%H:%M:%S")


def seconds(value: float | None) -> str:
    """Returns seconds with the digits that count, such as `42 ms` or `4.2 s`."""
    if value is None:
        return NONE
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def percent(share: float | None) -> str:
    """Returns a share of 1 in percent, rounded down: 99.9 % is not all."""
    return NONE if share is None else f"{int(share * 100)} %"


def usd(amount: float | None) -> str:
    """Returns an amount of money with three digits that count, such as `0.00420 USD`."""
    if amount is None:
        return NONE
    if amount >= 1 or not amount:
        return f"{amount:,.2f} USD"
    return f"{amount:.{2 - math.floor(math.log10(amount))}f} USD"


def count(value: float | None) -> str:
    """Returns a number with its thousands apart."""
    return NONE if value is None else f"{value:,.0f}"


SHOWN = {each.__name__: each for each in (span, instant, clock, seconds, percent, usd, count)}
"""What every template of ours can call."""
