"""What kombu is given for `redis://`, `rediss://` and `sentinel://`."""

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


class SentinelChannel(Channel, redis.SentinelChannel):
    """Our channel, to the master that Sentinels name."""


class SentinelTransport(Transport):
    """Our transport to the master that Sentinels name."""

    default_port = redis.SentinelTransport.default_port  # type: ignore[assignment]  # kombu says None of its base
    Channel = SentinelChannel
