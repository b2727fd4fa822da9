"""The slots of this process that urgent messages alone may take.

While no other slot is free, a channel fetches from the urgent list alone: what it does not fetch, other workers can.
"""

from collections.abc import Container

from config.chains import URGENT_PRIORITY
from tasks.celery import COMPLETIONS


class Reserve:
    """How many slots are kept; none in a process that is no worker."""

    priority = URGENT_PRIORITY

    def __init__(self) -> None:
        self.slots = 0

    def of(self, queues: Container[str]) -> int:
        """Returns how many slots a channel keeps that consumes these queues."""
        return self.slots if COMPLETIONS in queues else 0


RESERVE = Reserve()
"""That of this process."""
