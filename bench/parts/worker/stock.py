"""Celery applications with our settings and none of our tasks, which the compared tasks belong to."""

from celery import Celery

from tasks.celery import app as ours

_SAME = (
    "broker_url",
    "broker_connection_retry_on_startup",
    "result_backend",
    "result_backend_transport_options",
    "result_expires",
    "redis_socket_timeout",
    "redis_socket_connect_timeout",
    "redis_socket_keepalive",
    "redis_backend_health_check_interval",
    "accept_content",
    "task_serializer",
    "result_serializer",
    "task_acks_late",
    "worker_pool",
    "worker_concurrency",
    "worker_prefetch_multiplier",
    "worker_send_task_events",
    "worker_enable_remote_control",
)


def stock(name: str) -> Celery:
    """Returns an application of this name, which is its queue's too, on kombu's own transport and Celery's backend."""
    app = Celery(name)
    app.conf.update({each: ours.conf[each] for each in _SAME}, task_default_queue=name)
    app.conf.broker_transport = "kombu.transport.redis:Transport"
    # Nobody renews its messages: after our 15 s those of a slow task would run again. Nor does anybody wait for a
    # connection: kombu raises an error where its pool has none left.
    own = {"visibility_timeout": 3600, "max_connections": 200}
    app.conf.broker_transport_options = ours.conf.broker_transport_options | own
    return app
