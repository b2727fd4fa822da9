"""Parses the time that a provider asks to be left alone, wherever it says so."""

import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime

from worker.providers.remaining import RateLimit

SCARCE = 0.1
"""The part of a rate limit below which little remains."""

MOST, LONGEST = 8, 32
"""Rate limits that are read of one response, and characters of a name: a vendor may send any number."""

_AROUND = re.compile(r"^.*ratelimit-|-?remaining-?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?![a-z])"
_PIECE = re.compile(_PART)
_DURATION = re.compile(rf"(?:{_PART}[\s,]*(?:and\s+)?)+")
_ASKED = re.compile(r"\b(?:try again|retry|retrying|wait|available again|resets?|reset time)\b[\s:]*(?:again\s+)?")
_IN = re.compile(r"(?:(?:in|after|for|at least|about)\s+)*")


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that the headers name, None if they name none that can be read.

    In this order: `retry-after-ms`; `retry-after` (seconds or a date); of the rate limits with nothing remaining, the
    last reset: `x-ratelimit-reset-*` beside `x-ratelimit-remaining-*`, `anthropic-ratelimit-*-reset`, and their like.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is None:
        seconds = _until(value)
    return max(_resets(headers), default=None) if seconds is None else seconds


def parse_exhausted(headers: Mapping[str, str]) -> float:
    """Returns the seconds to the last reset of the rate limits with nothing remaining, 0 if something remains of each.

    A successful answer has these headers, too: the next request would be refused.
    """
    return max(_resets(headers), default=0.0)


def parse_scarce(headers: Mapping[str, str]) -> float:
    """Returns the seconds to the last reset of the rate limits of which less than `SCARCE` remains, 0 without any."""
    waits = (_reset_of(name, headers) for name in headers if _is_scarce(name, headers))
    return max((wait for wait in waits if wait is not None), default=0.0)


def parse_remaining(headers: Mapping[str, str]) -> dict[str, RateLimit]:
    """Returns what remains of each rate limit by its name, such as `requests`; at most `MOST` of them."""
    found: dict[str, RateLimit] = {}
    for name, value in headers.items():
        remaining = _number(value) if _is_remaining(name) else None
        if remaining is not None and len(found) < MOST:
            limit = _number(headers.get(name.replace("remaining", "limit")))
            found[_AROUND.sub("", name)[:LONGEST] or "requests"] = RateLimit(remaining, limit)
    return found


def parse_text(text: str) -> float | None:
    """Returns the seconds in a message such as "Please try again in 7m12s", None if it has none."""
    lower = text.lower()
    for asked in _ASKED.finditer(lower):
        start = _IN.match(lower, asked.end())
        if start and (found := _DURATION.match(lower, start.end())):
            return _seconds(found[0])
    return None


def _seconds(duration: str) -> float:
    """Returns the seconds of a duration such as "7m12s"."""
    return sum(float(number) * _unit(unit) for number, unit in _PIECE.findall(duration))


def _unit(word: str) -> float:
    return _UNITS["ms" if word.startswith(("ms", "mil")) else word[0]]


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """Yields the seconds to the reset of each limit that has nothing remaining."""
    for name, remaining in headers.items():
        if _is_remaining(name) and _number(remaining) == 0:
            wait = _reset_of(name, headers)
            if wait is not None:
                yield wait


def _is_remaining(name: str) -> bool:
    return "ratelimit-" in name and "remaining" in name


def _reset_of(name: str, headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to the reset of the limit of which a header says what remains."""
    return _reset(headers.get(name.replace("remaining", "reset"), ""))


def _is_scarce(name: str, headers: Mapping[str, str]) -> bool:
    """Returns whether a header says that little remains of a limit that another one names."""
    if not _is_remaining(name):
        return False
    remaining, limit = _number(headers.get(name)), _number(headers.get(name.replace("remaining", "limit")))
    return remaining is not None and limit is not None and remaining < SCARCE * limit


def _reset(value: str) -> float | None:
    """Returns the seconds to a reset: a duration ("6m0s"), a time, seconds, or an epoch in seconds or ms."""
    number = _number(value)
    if number is not None:
        now = time.time()
        epoch = number / 1000 if number > 1e11 else number
        return max(0.0, epoch - now) if epoch > 1e9 else number
    if found := _DURATION.fullmatch(value.strip().lower()):
        return _seconds(found[0])
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(value: str | None) -> float | None:
    try:
        at = email.utils.parsedate_to_datetime(value or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())
