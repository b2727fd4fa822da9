"""A Celery application with the fleet's settings and none of its tasks, for tests and benchmarks of the transport."""

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from tasks.celery import app as fleet
from tasks.node.heartbeat import Heartbeat

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


def bare(name: str, transport: str, **options: float) -> Celery:
    """Returns the application; its tasks go to the queue `completions` and have no result.

    Args:
        name: the application's.
        transport: `kombu` for kombu's own, without our heartbeat; any other text for this project's.
        options: of the transport, in place of the fleet's.
    """
    app = Celery(name)
    app.conf.update({each: fleet.conf[each] for each in _SAME})
    app.conf.update(
        broker_transport_options=fleet.conf.broker_transport_options | options,
        task_default_queue="completions",
        task_ignore_result=True,
    )
    if transport == "kombu":
        TRANSPORT_ALIASES["redis"] = "kombu.transport.redis:Transport"
    else:
        app.steps["worker"].add(Heartbeat)
    return app
