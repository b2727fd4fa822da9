"""Waits for pushes: the server is asked to say when a list that was read changes. A channel polls where it refuses.

Some managed servers, proxies and users lack CLIENT TRACKING.
"""

import logging

from redis.exceptions import NoPermissionError, ResponseError

TRACKING_ON = ("CLIENT", "TRACKING", "ON", "NOLOOP")

FETCH_EVERY = 1.0
"""Seconds from one fetch to the next without a push."""

POLL_EVERY = 0.05
"""Seconds from one fetch to the next where no pushes come: docs/benchmarks/transport.md says what others cost."""

_log = logging.getLogger(__name__)


def reason(refusal: ResponseError) -> str:
    """Returns why a server refuses: `not-allowed` to this user, or `unsupported`."""
    return "not-allowed" if isinstance(refusal, NoPermissionError) else "unsupported"


class Tracking:
    """Whether the last connection of this process on which messages are fetched has pushes."""

    def __init__(self) -> None:
        self._refused = False

    def wait(self, refusal: ResponseError | None) -> float:
        """Returns the seconds to the next fetch without a push, and logs a change.

        Args:
            refusal: the server's answer to `TRACKING_ON`; None if it agreed.
        """
        refused, before = refusal is not None, self._refused
        self._refused = refused
        if refusal is not None and not before:
            _log.warning("tracking-refused reason=%s poll=%.2f", reason(refusal), POLL_EVERY)
        elif before and not refused:
            _log.warning("tracking-on")
        return POLL_EVERY if refused else FETCH_EVERY


TRACKING = Tracking()
"""That of this process."""
