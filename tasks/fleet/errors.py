"""What goes wrong while servers and workers are started on this machine."""

from worker.errors import FallbackError


class FleetError(FallbackError):
    """A server or worker could not be started; the message says which, why and where its log lies."""
