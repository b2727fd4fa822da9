"""Beat's scheduler: a Redis that refuses writes is one line of its log, not a traceback for each probe."""

from typing import Any

from celery import beat

from tasks.store import store
from worker.store.client import refused_by
from worker.store.refusals import REFUSALS


class Scheduler(beat.Scheduler):
    """Celery's scheduler, which keeps no file: beat does not catch up on probes that it missed."""

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Queues what is due; returns None if Redis refuses it.

        Raises:
            celery.beat.SchedulingError: it could not be queued for another reason.
        """
        try:
            sent = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        except beat.SchedulingError as exc:
            if cause := refused_by(exc):
                REFUSALS.refused(store(), cause)
                return None
            raise
        REFUSALS.taken()
        return sent
