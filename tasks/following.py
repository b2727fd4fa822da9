"""The fleet's events for a program: `from tasks import follow`."""

from tasks.store import store
from worker.telemetry.events import Follower


def follow(after: str | None = None) -> Follower:
    """Returns an iterator over the events of the fleet, as `(id, event)`; it waits for the next one until `close`.

    An event is a dict of text: `type`, `provider`, `at_ms`, and the fields of its type (docs/reference/events.md). It
    goes on after a Redis outage. A program that has stored the id of the last event it is done with loses none by a
    restart.

    Args:
        after: the id of an event, to get those behind it; `-` for all that the stream has; None for new ones alone.
    """
    return Follower(store(), after)
