"""The Celery application, configured so that plain `celery -A tasks worker | beat | flower` are safe."""

import os
import ssl
import sys
from datetime import UTC, datetime
from importlib.resources import files

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from config.redis_url import sentinels
from config.settings import ConfigurationError, Settings, load
from worker.store.client import sentinel_options
from worker.store.keys import PROBE_QUEUE, QUEUE, Keys
from worker.task.lease import LEASE

COMPLETIONS, PROBES = QUEUE, PROBE_QUEUE
CONCURRENCY = 100
"""Calls that one process has in flight: of 2 s each, they take 0.6 of a core (docs/how-to/scale.md)."""
CHANNEL_CONNECTIONS = 2
"""Connections of a channel of kombu's, beside those on which it waits for messages."""


def _load() -> Settings:
    try:
        return load()
    except ConfigurationError as exc:
        print(exc, file=sys.stderr)
        raise SystemExit(2) from None


settings = _load()
_keys = Keys(settings.namespace)
UNACKED, UNACKED_INDEX = _keys.unacked, _keys.unacked_index
"""Keys of the unacknowledged messages, and of the time when each was last renewed.

All applications on a database share kombu's own keys, and each sweeps them by its own visibility timeout. Ours of 15 s
would deliver a neighbour's long and delayed tasks twice. A neighbour's of an hour would delay a dead worker's messages.
"""

# Flower reads its file from the working directory, an option, or this variable.
os.environ.setdefault("FLOWER_CONF", str(files("tasks").joinpath("flower", "flowerconfig.py")))
# Set by the URL's scheme, not as broker_transport. That would replace the scheme: rediss:// would lose TLS, and Flower
# would not recognise its broker.
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "tasks.transport:Transport")
TRANSPORT_ALIASES["sentinel"] = "tasks.transport:SentinelTransport"


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name), routing_key=name)


# kombu's default for rediss:// is to trust any certificate.
_tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss://") else False

_sentinels = sentinels(settings.redis_url)
_url = _sentinels.celery_url if _sentinels else settings.redis_url
_master = {"master_name": _sentinels.master, "sentinel_kwargs": sentinel_options()} if _sentinels else {}

_NODE = tuple(f"tasks.node.{name}" for name in ("consumer", "drain", "prices", "revocation", "remote_shutdown"))
app = Celery("fallback", include=["tasks.completion", "tasks.probes", *_NODE])
app.loader.override_backends = dict.fromkeys(("redis", "rediss"), "tasks.node.result_backend:RedisBackend") | {
    "sentinel": "tasks.node.result_backend:SentinelBackend"
}
app.conf.update(
    broker_url=_url,
    broker_use_ssl=_tls,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker that gives up must be restarted by hand
    broker_transport_options={
        "visibility_timeout": LEASE,
        "unacked_restore_interval": 1,
        "unacked_key": UNACKED,
        "unacked_index_key": UNACKED_INDEX,
        "max_connections": CHANNEL_CONNECTIONS,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        **_master,
    },
    result_backend=_url,
    result_backend_transport_options={"retry_policy": {"timeout": 5.0}, **_master},
    result_backend_thread_safe=True,  # else each thread has a backend, with two connections of its own
    result_expires=settings.results.expires,
    redis_backend_use_ssl=_tls,
    redis_socket_timeout=5,
    redis_socket_connect_timeout=2,
    redis_socket_keepalive=True,
    redis_backend_health_check_interval=10,
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_queues=[_queue(COMPLETIONS), _queue(PROBES)],
    task_default_queue=COMPLETIONS,
    task_routes={"fallback.complete": {"queue": COMPLETIONS}, "fallback.probe": {"queue": PROBES}},
    task_acks_late=True,
    task_store_errors_even_if_ignored=True,
    worker_deduplicate_successful_tasks=True,
    worker_pool="threads",
    worker_consumer="tasks.node.consumer:Consumer",
    worker_concurrency=CONCURRENCY,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    worker_enable_remote_control=True,
    beat_scheduler="tasks.node.beat:Scheduler",
    beat_schedule={
        f"probe-{name}": {
            "task": "fallback.probe",
            "args": [name],
            "schedule": settings.health.probe_interval,
            "last_run_at": datetime(1970, 1, 1, tzinfo=UTC),  # the first probe is due at once
            "options": {"expires": settings.health.probe_interval * 0.8},
        }
        for name, provider in settings.providers.items()
        if provider.missing is None
    },
)
