"""Remote commands of `fallback drain`: this worker takes nothing new; what it runs ends, what it only holds goes back.

1. It cancels the consumers of its queues. Messages that a fetch under way still brings go back at once.
2. Messages that wait in Celery's timer go back when their time comes, in 2 s at most: see `Consumer.apply_eta_task`.
3. Running completions end their attempt and start no other: their messages go back, see `tasks.completion`.
"""

import logging
from typing import Any

from celery.worker import control
from celery.worker import state as worker_state

from tasks.drained import DRAINED
from tasks.transport.qos import UNACKED_TAGS

_log = logging.getLogger(__name__)


@control.control_command()
def drain(state: Any, **_: Any) -> dict[str, Any]:
    """Take nothing new, and give back what has not begun."""
    queues = tuple(state.app.amqp.queues.consume_from)
    if queues:
        DRAINED.queues = queues
        _log.warning("worker-drained queues=%s", ",".join(queues))
        DRAINED.report()
    for queue in queues:
        state.consumer.call_soon(state.consumer.cancel_task_queue, queue)
    return _in_flight()


@control.control_command()
def undrain(state: Any, **_: Any) -> dict[str, Any]:
    """Take messages again after a drain."""
    queues, DRAINED.queues = DRAINED.queues, ()
    for queue in queues:
        state.consumer.call_soon(state.consumer.add_task_queue, queue)
    if queues:
        _log.warning("worker-undrained queues=%s", ",".join(queues))
    return _in_flight()


@control.inspect_command()
def in_flight(state: Any) -> dict[str, Any]:
    """What this worker has not ended yet."""
    return _in_flight()


def _in_flight() -> dict[str, Any]:
    """Returns whether the worker is drained, the running tasks with their start, and how many messages it holds."""
    running = [
        {"id": request.id, "name": request.name, "started": request.time_start}
        for request in list(worker_state.active_requests)
    ]
    return {"drained": bool(DRAINED), "running": running, "held": len(UNACKED_TAGS)}
