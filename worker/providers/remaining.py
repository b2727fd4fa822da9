"""What vendors say remains of their rate limits, as this process heard it last; see worker/telemetry/remaining.py."""

import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What remains of a vendor's rate limit until it is reset, and how much it is, None if that is not said."""

    remaining: float
    limit: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """A vendor's rate limits by name, and when it told them: of the monotonic clock."""

    at: float
    limits: Mapping[str, RateLimit]


class Remaining:
    """What each vendor told last. Many threads may call its methods; what two of them do at once, one may lose."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def note(self, provider: str, limits: Mapping[str, RateLimit]) -> None:
        """Notes what a response said, if it said anything."""
        if limits:
            self._told[provider] = Told(time.monotonic(), limits)

    def take(self) -> dict[str, Told]:
        """Returns by provider what was told since the last call."""
        told, self._told = self._told, {}
        return told


REMAINING = Remaining()
"""That of this process."""
