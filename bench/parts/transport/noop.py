"""An application whose one task does nothing, on this project's transport or, with TRANSPORT=kombu, on kombu's own.

POLL (s) is the interval at which a worker polls that may not use CLIENT TRACKING.
"""

import os
import time

from redis import Redis

from bench.kit.bare import bare
from tasks.transport import tracking

STARTED = "started"
QUEUE = "completions"

_transport = os.environ.get("TRANSPORT", "")
# As the fleet had it before there was a transport of its own.
_kombus = {"unacked_restore_throttle": 1, "unacked_mutex_expire": 5} if _transport == "kombu" else {}

tracking.POLL_EVERY = float(os.environ.get("POLL", tracking.POLL_EVERY))

app = bare("noop", _transport, **_kombus)
_redis = Redis.from_url(app.conf.broker_url)


@app.task(name="noop.noop")
def noop(asked_at: float = 0.0) -> None:
    """Does nothing; with `asked_at`, on this machine's monotonic clock, it returns the seconds since then."""
    if asked_at:
        took = time.monotonic() - asked_at
        _redis.rpush(STARTED, took)
