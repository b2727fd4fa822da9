"""Touches a file while the worker consumes, for a container's healthcheck.

Celery sends its heartbeat every 2 s from the loop that also fetches messages. A loop that hangs, or waits for Redis,
does not touch the file. `celery inspect ping` shows the same, but costs a second of CPU and a broadcast to the fleet.
"""

import os
from pathlib import Path
from typing import Any

from celery import bootsteps, signals


class Alive(bootsteps.StartStopStep):
    """Touches the file that FALLBACK_ALIVE_FILE names at each heartbeat, unless an embedded beat has died."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._file = os.environ.get("FALLBACK_ALIVE_FILE", "")
        self.enabled = bool(self._file)

    def start(self, worker: Any) -> None:
        """Connects to the heartbeat's signal, before the consumer checks whether it has receivers."""
        self._worker = worker
        signals.heartbeat_sent.connect(self._touch)

    def _touch(self, **_: Any) -> None:
        if self._worker.beat is None or self._worker.beat.is_alive():
            Path(self._file).touch()
