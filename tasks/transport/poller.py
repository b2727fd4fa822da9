"""Decides when a channel fetches messages."""

from typing import Any

from kombu.transport import redis


class Poller(redis.MultiChannelPoller):
    """kombu's poller, for channels that stay registered while they wait for a push.

    A push that arrives while no message is wanted only pauses the connection. kombu would take it for the end of the
    connection.
    """

    def _register_BRPOP(self, channel: Any) -> None:  # noqa: N802 - kombu's name
        channel.leave_poll_if_due()
        super()._register_BRPOP(channel)
