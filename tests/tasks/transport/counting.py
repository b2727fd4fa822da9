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

_redis = Redis.from_url(app.conf.broker_url)
_RETRY = Retry(ConstantBackoff(0.05), 100)


@app.task(name="counting.count")
def count(number: int, seconds: float = 0.0) -> None:
    """Writes the number down twice: when it is begun, and so many seconds later."""
    _write(BEGUN, number)
    threading.Event().wait(seconds)
    _write(COUNTED, number)


def _write(key: str, number: int) -> None:
    """Writes once more if the tests cut this connection, also while the pool takes it out, where redis-py does not."""
    _RETRY.call_with_retry(lambda: _redis.rpush(key, number), lambda _: None)
