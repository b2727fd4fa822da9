"""kombu's Redis transport without its hole: a message is popped and registered as held by one script.

kombu pops with one command and registers with the next: a worker that dies in between loses the message. Here:

| file | what it is |
|---|---|
| channel.py | asks for messages, hands them to the consumer, and waits without polling |
| qos.py | acknowledges, puts back, moves out of the way what cannot be read |
| poller.py | when a channel asks |
| transport.py | what kombu is given by name |

Workers on kombu's own transport may share the server: keys and what stands in them are kombu's.
"""

from tasks.transport.channel import Channel
from tasks.transport.transport import SentinelTransport, Transport

__all__ = ["Channel", "SentinelTransport", "Transport"]
