"""The queue side: `from tasks import complete` to queue a completion."""

from tasks.celery import app
from tasks.completion import complete

__all__ = ["app", "complete"]
