"""An application whose one task does nothing, on this project's transport or, with TRANSPORT=kombu, on kombu's own."""

import os
import time

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES
from redis import Redis

from tasks.celery import app as ours
from tasks.visibility import Heartbeat

STARTED = "started"
QUEUE = "completions"
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

app = Celery("noop")
app.conf.update({name: ours.conf[name] for name in _SAME}, task_ignore_result=True, task_default_queue=QUEUE)
if os.environ.get("TRANSPORT") == "kombu":
    TRANSPORT_ALIASES["redis"] = "kombu.transport.redis:Transport"
    # As the fleet had it before there was a transport of its own.
    kombus = {"unacked_restore_throttle": 1, "unacked_mutex_expire": 5}
    app.conf.broker_transport_options = ours.conf.broker_transport_options | kombus
else:
    app.conf.broker_transport_options = ours.conf.broker_transport_options
    app.steps["worker"].add(Heartbeat)
_redis = Redis.from_url(ours.conf.broker_url)


@app.task(name="noop.noop")
def noop(asked_at: float = 0.0) -> None:
    """Does nothing; with `asked_at`, on this machine's monotonic clock, it tells the seconds since then."""
    if asked_at:
        took = time.monotonic() - asked_at
        _redis.rpush(STARTED, took)
