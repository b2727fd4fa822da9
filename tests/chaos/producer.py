"""A load: completions queued at an even rate by a producer that knows of the fleet the task's name alone."""

import time
from typing import Any
from uuid import uuid4

from celery import Celery
from kombu.exceptions import OperationalError

from tests.chaos.background import Background
from tests.chaos.provider import prompt

_AGAIN = 0.1


class Producer(Background):
    """A thread that queues completions until they are enough, or until the `with` block ends.

    `accepted` are those for which `delay()` returned, with the epoch at which it did. One that Redis did not take is
    queued again under its own id, as a producer with an idempotency key would; `refused` counts how often.
    """

    def __init__(self, redis_url: str, completions: int, *, rate: float) -> None:
        """Queues `rate` completions a second, from the start of the `with` block on."""
        super().__init__()
        self.accepted: dict[str, float] = {}
        self.refused = 0
        self._app = Celery("elsewhere", broker=redis_url)  # reads no results: the census does
        self._wanted = completions
        self._rate = rate

    @property
    def done(self) -> bool:
        """Says whether all are accepted."""
        return len(self.accepted) == self._wanted

    def work(self) -> None:
        started = time.monotonic()
        for number in range(self._wanted):
            if self.ended.wait(max(0.0, started + number / self._rate - time.monotonic())):
                return
            self._queue(str(uuid4()))

    def _queue(self, completion: str) -> None:
        request = {"messages": [{"role": "user", "content": prompt(completion)}]}
        while not self.ended.is_set():
            try:
                self._app.send_task(
                    "fallback.complete", (request,), queue="completions", priority=6, task_id=completion
                )
            except OperationalError:
                self.refused += 1
                self.ended.wait(_AGAIN)
            else:
                self.accepted[completion] = time.time()
                return

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._app.close()
