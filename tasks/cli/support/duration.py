"""Durations as an operator writes and reads them."""

import re
from datetime import UTC, datetime

import click

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = 365 * 86_400


def duration(text: str) -> float:
    """Returns the seconds of `90`, `90s`, `10m`, `2h` or `1d`, which pydantic does not read.

    Raises:
        click.BadParameter: it has another form, or is not above 0 and at most 365d.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not found:
        raise click.BadParameter(f"{text!r} is no duration; write it as 90, 90s, 10m, 2h or 1d")
    seconds = int(found[1]) * _UNITS[found[2] or "s"]
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(f"{text!r} is not above 0 and at most 365d")
    return float(seconds)


def instant(epoch: float) -> str:
    """Returns an epoch in seconds as UTC by ISO 8601."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
