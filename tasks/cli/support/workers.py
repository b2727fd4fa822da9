"""The running workers."""

from tasks.celery import COMPLETIONS, app


def consuming() -> int:
    """Returns how many of the workers that answer within a second consume completions."""
    replies = app.control.broadcast("active_queues", reply=True, timeout=1.0) or []
    consumed = [queues for reply in replies for queues in reply.values() if isinstance(queues, list)]
    return sum(any(queue["name"] == COMPLETIONS for queue in queues) for queues in consumed)
