"""Divides the slots of a worker process between providers, and keeps some for urgent completions."""

from typing import Any

from celery import bootsteps

from config.settings import Settings
from tasks.celery import settings
from tasks.transport.reserve import RESERVE
from worker.admission.bulkheads import BULKHEADS


class Slots(bootsteps.StartStopStep):
    """Sets the limits before the first message comes."""

    def start(self, worker: Any) -> None:
        """Reads how many slots the process has."""
        slots, shares = worker.concurrency, settings.bulkheads
        asked, has_urgent = in_use(settings)
        RESERVE.slots = shares.urgent(slots) if has_urgent else 0
        if len(asked) > 1:
            BULKHEADS.limit(shares.of_provider(slots), shares.urgent(slots))


def in_use(settings: Settings) -> tuple[set[str], bool]:
    """Returns the providers that chains can ask, and whether one of these chains is urgent."""
    asked, has_urgent = set[str](), False
    for chain in settings.chains.values():
        able = {name for name in chain.providers if settings.providers[name].missing is None}
        if chain.enabled and able:
            asked |= able
            has_urgent = has_urgent or chain.is_urgent
    return asked, has_urgent
