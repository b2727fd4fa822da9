"""Collects every result that is published, also a second one of the same completion."""

import json
from collections import defaultdict
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.chaos.background import Background

_READY = ("SUCCESS", "FAILURE", "REVOKED")
_CHANNEL = "celery-task-meta-"
_POLL = 0.2


class Witness(Background):
    """A thread that listens to where Celery publishes results; `results` are the distinct ones of each completion.

    What is published during a Redis outage nobody hears; the thread listens again as soon as it can.
    """

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self.results: defaultdict[str, set[str]] = defaultdict(set)
        self._url = redis_url

    def work(self) -> None:
        while not self.ended.wait(_POLL):
            try:
                self._hear()
            except (RedisError, OSError):
                continue

    def _hear(self) -> None:
        with Redis.from_url(self._url) as redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.psubscribe(f"{_CHANNEL}*")
            while not self.ended.is_set():
                if message := channel.get_message(timeout=_POLL):
                    self.note(json.loads(message["data"]))

    def note(self, meta: dict[str, Any]) -> None:
        """Adds what stands in the result backend for a completion, or was published of it."""
        if meta["status"] in _READY:
            self.results[str(meta["task_id"])].add(json.dumps(meta["result"], sort_keys=True))
