"""A stock Celery application with all of Celery's defaults, on the database of a fleet."""

import os
import threading

from celery import Celery
from redis import Redis

BEGUN = "shop:begun"
"""A list: the id of a task for each time that a worker began it."""

URL = os.environ.get("REDIS_URL", "")

app = Celery("shop", broker=URL, backend=URL)


def _begin(task_id: str, seconds: float) -> None:
    with Redis.from_url(URL) as redis:
        redis.rpush(BEGUN, task_id)
    threading.Event().wait(seconds)


@app.task(name="shop.early", bind=True)
def early(self, seconds: float = 0.0) -> None:
    """Is acknowledged before it runs, as Celery's default is."""
    _begin(self.request.id, seconds)


@app.task(name="shop.late", bind=True, acks_late=True)
def late(self, seconds: float = 0.0) -> None:
    """Is acknowledged after it has run."""
    _begin(self.request.id, seconds)
