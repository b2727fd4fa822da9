"""When a channel asks for messages."""

from typing import Any

from kombu.transport import redis


class Poller(redis.MultiChannelPoller):
    """kombu's poller, for channels that stay in the poll while they wait for a push.

    So that a push which comes while no message is wanted only pauses the connection: kombu would take it for the
    connection's end.
    """

    def _register_BRPOP(self, channel: Any) -> None:  # noqa: N802 - kombu's name
        channel.leave_poll_if_due()
        super()._register_BRPOP(channel)
