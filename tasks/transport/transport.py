"""The transports for `redis://`, `rediss://` and `sentinel://`."""

from typing import Any

from kombu.transport import redis

from tasks.transport.channel import Channel
from tasks.transport.poller import Poller


class Transport(redis.Transport):
    """kombu's Redis transport with our channel and our poller."""

    Channel = Channel
    cycle: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Registers what the transport waits for, and lets the poller set the loop's timers."""
        super().register_with_event_loop(connection, loop)
        self.cycle.loop = loop


class SentinelChannel(Channel, redis.SentinelChannel):
    """Our channel, connected to the master that Sentinels name."""


class SentinelTransport(Transport):
    """Our transport, connected to the master that Sentinels name."""

    default_port = redis.SentinelTransport.default_port  # type: ignore[assignment]  # None in kombu's base class
    Channel = SentinelChannel
