"""An application whose workers count what they do, on our transport or, with TRANSPORT=kombu, on kombu's own.

Its other settings are the fleet's, but for a shorter VISIBILITY (s).
"""

import os
import threading

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from bench.kit.bare import bare

BEGUN, COUNTED = "begun", "counted"

app = bare(
    "counting",
    os.environ.get("TRANSPORT", ""),
    visibility_timeout=float(os.environ.get("VISIBILITY", "2")),
    unacked_restore_throttle=1,
)

# The tests cut its connections, too.
_redis = Redis.from_url(app.conf.broker_url, retry=Retry(ConstantBackoff(0.05), 100))


@app.task(name="counting.count")
def count(number: int, seconds: float = 0.0) -> None:
    """Writes the number down twice: when it is begun, and so many seconds later."""
    _redis.rpush(BEGUN, number)
    threading.Event().wait(seconds)
    _redis.rpush(COUNTED, number)
