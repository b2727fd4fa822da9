"""How long one attempt may take, as instants on the monotonic clock."""

import math
import time

from config.providers import Provider

END = 1.0
"""Seconds that a stream which has said its last event gets to close."""


class Limits:
    """The instant at which what one attempt is doing now must have come, and the word for its passing.

    It moves on when the connection stands, at each token and at the end of the answer, and at nothing else: pings
    and comments do not move it. It is never later than the whole attempt's limit or the caller's deadline, which
    alone hold once a plain answer is awaited: no token of it shows.

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
        """Returns the seconds left, more than 0.

        Raises:
            TimeoutError: none is left.
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
        """Starts the wait for the end of a stream whose last event has come."""
        self._move(END, "idle_timeout")

    def _move(self, seconds: float, reason: str) -> None:
        self._at, self.reason = min((time.monotonic() + seconds, reason), self._whole)
