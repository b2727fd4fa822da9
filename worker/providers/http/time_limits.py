"""The time limits of one attempt, as instants of the monotonic clock."""

import math
import time
from collections.abc import Callable

from config.providers import Model, Provider
from worker.errors import AttemptFailed

END = 1.0
"""Seconds that a stream may stay open after its last event."""

PAUSE = 0.03
"""The part of an attempt's age for which a read may pause. Half of it is added to an answer, on average."""

LONGEST_PAUSE = 0.1
SHORTEST_PAUSE = 0.005
"""Seconds. A shorter pause costs as much as the read that it saves."""

OF_THE_LIMIT = 0.1
"""The part of what is left of a limit that a pause may take."""

HALF = 0.5
"""The part of a limit from which on silence says something of the provider: that of its share, and before a cut."""


class Limits:
    """The current limit of one attempt: an instant, and the failure's reason if it passes.

    1. The limit moves when the connection is open, at each token, and at the end of the answer. Before the first token
       any byte moves it: models think in silence, and servers send pings meanwhile. After it, only tokens do.
    2. It is never later than the limit of the whole attempt or the caller's deadline.
    3. Only these two apply while a plain answer is awaited, because it shows no token.
    4. Until the first token, or the head of a plain answer, the attempt's share of the deadline applies too.

    Attributes:
        reason: the reason of `AttemptFailed` if the instant passes.
        is_flowing: whether tokens come: the first one has, and the end of the answer has not.
        is_sent: whether the request was sent, or begun to be.
    """

    def __init__(
        self,
        provider: Provider,
        model: Model,
        deadline: float,
        share: float | None = None,
        on_first_token: Callable[[], None] | None = None,
    ) -> None:
        """Starts the attempt; `deadline` is an instant of `time.monotonic`, `share` seconds, None for all of it."""
        now = self.started = time.monotonic()
        self._attempt = provider.attempt_limit(model)
        self._whole = min((now + self._attempt, "attempt_timeout"), (deadline, "deadline"))
        self._first_token = provider.first_token_limit(model) if provider.stream else math.inf
        self._idle = provider.idle_timeout
        self._share = (math.inf if share is None else now + share, "share")
        self.is_flowing = self.is_sent = False
        self._share_counts = share is None or share >= HALF * provider.until_first_token(model)
        self._on_first_token = on_first_token
        self._move(provider.connect_timeout, "connect_timeout")

    def left(self) -> float:
        """Returns the remaining seconds, more than 0.

        Raises:
            TimeoutError: none remain.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def age(self) -> float:
        """Returns the seconds since the attempt began."""
        return time.monotonic() - self.started

    def pause(self) -> float:
        """Returns the seconds for which the next read may be put off, to read several tokens at once; 0 for none."""
        if not self.is_flowing:
            return 0.0
        now = time.monotonic()
        pause = min(PAUSE * (now - self.started), LONGEST_PAUSE, OF_THE_LIMIT * (self._at - now))
        return pause if pause >= SHORTEST_PAUSE else 0.0

    def connected(self) -> None:
        """Starts the wait for the first token: the request is about to be sent."""
        self.is_sent = True
        self.alive()

    def alive(self) -> None:
        """Starts the wait for the first token anew: a byte has come before it."""
        self._move(self._first_token, "first_token_timeout")

    def token(self) -> None:
        """Starts the wait for the next token; from the first one on the attempt may use all of its limit."""
        if self._on_first_token:
            self._on_first_token()
            self._on_first_token = None
        self._share = (math.inf, "share")
        self._move(self._idle, "idle_timeout")

    def head(self) -> None:
        """Starts the wait for the first token anew, or for the rest of a plain answer: the response's head has come."""
        if self._first_token == math.inf:
            self._share = (math.inf, "share")
        self.alive()

    def ended(self) -> None:
        """Starts the wait for the end of a stream after its last event."""
        self._move(END, "idle_timeout")

    def exceeded(self) -> AttemptFailed:
        """Returns the failure of an attempt whose limit passed."""
        return AttemptFailed(self.reason, counts=self.reason != "share" or self._share_counts)

    def silenced(self, failed: AttemptFailed) -> AttemptFailed:
        """Returns a cut that came after a long silence as what it is: a time-out; any other failure unchanged."""
        silence = time.monotonic() - self._since
        if failed.reason not in ("connection", "truncated") or silence < HALF * self._limit:
            return failed
        return AttemptFailed(self._limit_reason, f"{failed.detail}, after {silence:.0f} s of silence")

    def _move(self, seconds: float, reason: str) -> None:
        self._since = time.monotonic()
        self._at, self.reason = min((self._since + seconds, reason), self._whole, self._share)
        self._limit, self._limit_reason = min((seconds, reason), (self._attempt, "attempt_timeout"))
