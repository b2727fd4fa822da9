"""An application whose workers count what they do, on our transport or, with TRANSPORT=kombu, on kombu's own.

Its other settings are the fleet's, but for a shorter VISIBILITY (s).
"""

import os
import threading

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tasks.celery import app as fleet
from tasks.visibility import Heartbeat

BEGUN, COUNTED = "begun", "counted"
_SAME = (
    "broker_url",
    "broker_connection_retry_on_startup",
    "accept_content",
    "task_serializer",
    "task_acks_late",
    "worker_pool",
    "worker_consumer",
    "worker_concurrency",
    "worker_prefetch_multiplier",
    "worker_enable_remote_control",
)
_options = {"visibility_timeout": float(os.environ.get("VISIBILITY", "2")), "unacked_restore_throttle": 1}

app = Celery("counting")
app.conf.update({name: fleet.conf[name] for name in _SAME})
app.conf.update(
    broker_transport_options=fleet.conf.broker_transport_options | _options,
    task_default_queue="completions",
    task_ignore_result=True,
)
if os.environ.get("TRANSPORT") == "kombu":
    TRANSPORT_ALIASES["redis"] = "kombu.transport.redis:Transport"
else:
    app.steps["worker"].add(Heartbeat)

# The tests cut its connections, too.
_redis = Redis.from_url(fleet.conf.broker_url, retry=Retry(ConstantBackoff(0.05), 100))


@app.task(name="counting.count")
def count(number: int, seconds: float = 0.0) -> None:
    """Writes the number down twice: when it is begun, and so many seconds later."""
    _redis.rpush(BEGUN, number)
    threading.Event().wait(seconds)
    _redis.rpush(COUNTED, number)
