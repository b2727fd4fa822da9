"""The queue side: `from tasks import complete` to queue a completion, `follow` to hear what changes in the fleet."""

from tasks.celery import app
from tasks.completion import complete
from tasks.following import follow

__all__ = ["app", "complete", "follow"]
