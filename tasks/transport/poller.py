"""Decides when a channel fetches messages."""

from typing import Any

from kombu.transport import redis


class Poller(redis.MultiChannelPoller):
    """kombu's poller, for channels that stay registered while they wait for a push.

    A push that arrives while no message is wanted only pauses the connection. kombu would take it for the end of the
    connection.
    """

    loop: Any = None
    """Celery's event loop, once the transport runs in it."""

    def wake_at(self, instant: float) -> None:
        """Has the loop look at its channels at an instant of the monotonic clock, even if nothing comes until then."""
        if self.loop:
            self.loop.call_at(instant, _nothing)  # each turn of the loop looks at them

    def _register_BRPOP(self, channel: Any) -> None:  # noqa: N802 - kombu's name
        channel.leave_poll_if_due()
        super()._register_BRPOP(channel)


def _nothing() -> None:
    """The loop turns for it."""
