"""kombu's Redis transport, in which one script pops a message and registers it as unacknowledged.

kombu pops with one command and registers with the next: a worker that dies in between loses the message. The files:

| file | content |
|---|---|
| channel.py | fetches messages, delivers them to the consumer, and waits without polling |
| tracking.py | has the server push, and says how often to poll where it refuses |
| qos.py | acknowledges and restores messages, quarantines unreadable ones |
| poller.py | decides when a channel fetches |
| transport.py | the classes that kombu loads by name |

Workers on kombu's own transport may share the server: keys and values have kombu's form.
"""

from tasks.transport.channel import Channel
from tasks.transport.transport import SentinelTransport, Transport

__all__ = ["Channel", "SentinelTransport", "Transport"]
