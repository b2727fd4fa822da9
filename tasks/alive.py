"""Tells a container's healthcheck that the worker consumes: a file that is touched while it does.

Celery sends its heartbeat every 2 s from the loop that also fetches messages, so a loop that hangs or waits for Redis
touches nothing. `celery inspect ping` shows the same for a second of CPU and a broadcast to the fleet.
"""

import os
from pathlib import Path
from typing import Any

from celery import bootsteps, signals


class Alive(bootsteps.StartStopStep):
    """Touches the file that FALLBACK_ALIVE_FILE names at each heartbeat, unless beat was embedded and has died."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._file = os.environ.get("FALLBACK_ALIVE_FILE", "")
        self.enabled = bool(self._file)

    def start(self, worker: Any) -> None:
        """Begins to listen for heartbeats, before the consumer looks whether anybody does."""
        self._worker = worker
        signals.heartbeat_sent.connect(self._touch)

    def _touch(self, **_: Any) -> None:
        if self._worker.beat is None or self._worker.beat.is_alive():
            Path(self._file).touch()
