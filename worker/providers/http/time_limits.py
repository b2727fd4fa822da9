"""The time limits of one attempt, as instants of the monotonic clock."""

import math
import time

from config.providers import Provider

END = 1.0
"""Seconds that a stream may stay open after its last event."""


class Limits:
    """The current limit of one attempt: an instant, and the failure's reason if it passes.

    1. The limit moves when the connection is open, at each token, and at the end of the answer. Pings and comments do
       not move it.
    2. It is never later than the limit of the whole attempt or the caller's deadline.
    3. Only these two apply while a plain answer is awaited, because it shows no token.

    Attributes:
        reason: the reason of `AttemptFailed` if the instant passes.
    """

    def __init__(self, provider: Provider, deadline: float) -> None:
        now = self.started = time.monotonic()
        self._whole = min((now + provider.attempt_timeout, "attempt_timeout"), (deadline, "deadline"))
        self._first_token = provider.first_token_timeout if provider.stream else math.inf
        self._idle = provider.idle_timeout
        self._at, self.reason = min((now + provider.connect_timeout, "connect_timeout"), self._whole)

    def left(self) -> float:
        """Returns the remaining seconds, more than 0.

        Raises:
            TimeoutError: none remain.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connected(self) -> None:
        """Starts the wait for the first token: the request is about to be sent."""
        self._move(self._first_token, "first_token_timeout")

    def token(self) -> None:
        """Starts the wait for the next token."""
        self._move(self._idle, "idle_timeout")

    def ended(self) -> None:
        """Starts the wait for the end of a stream after its last event."""
        self._move(END, "idle_timeout")

    def _move(self, seconds: float, reason: str) -> None:
        self._at, self.reason = min((time.monotonic() + seconds, reason), self._whole)
