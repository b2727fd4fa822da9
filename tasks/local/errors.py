"""The error of servers and workers that are started on this machine."""

from worker.errors import FallbackError


class FleetError(FallbackError):
    """A server or worker could not be started; the message names it, the cause and its log."""
