"""The running workers."""

from typing import Any

from tasks.celery import COMPLETIONS, app


def consuming() -> int:
    """Returns how many of the workers that answer within a second consume completions."""
    replies = app.control.broadcast("active_queues", reply=True, timeout=1.0) or []
    consumed = [queues for reply in replies for queues in reply.values() if isinstance(queues, list)]
    return sum(any(queue["name"] == COMPLETIONS for queue in queues) for queues in consumed)


def answering() -> list[str]:
    """Returns the names of the workers that answer within a second, sorted."""
    replies = app.control.ping(timeout=1.0) or []
    return sorted(name for reply in replies for name in reply)


def one(command: str, name: str, within: float) -> Any:
    """Returns one worker's reply to a remote command, None if none came within so many seconds."""
    replies = app.control.broadcast(command, destination=[name], reply=True, timeout=within, limit=1) or []
    return next((reply[name] for reply in replies if name in reply), None)
