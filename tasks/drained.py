"""Whether an operator has drained this worker process: `fallback drain` sets it, and takes it back."""

from collections.abc import Callable


class Drained:
    """What the process consumed before it was drained; nothing while it is not drained.

    `report` tells the fleet at once, before the next heartbeat does.
    """

    def __init__(self) -> None:
        self.queues: tuple[str, ...] = ()
        self.report: Callable[[], None] = lambda: None

    def __bool__(self) -> bool:
        """Returns whether the process is drained."""
        return bool(self.queues)


DRAINED = Drained()
"""That of this process; the children of a prefork pool do not know of it."""
