"""Reads the prices of the configured models when a worker starts, which budgets need."""

import sys
import time
from typing import Any

from celery.signals import celeryd_init

from tasks.celery import settings
from worker.limits.unpriced import unpriced
from worker.pricing.cost import pricing


@celeryd_init.connect
def _read_prices(**_: Any) -> None:
    """Looks each model up once: to import the library takes 0.3 s, for which the first answer would wait."""
    for provider in settings.providers.values():
        if provider.missing is None:
            for model in provider.models.values():
                pricing(provider, model, time.time())
    if lines := unpriced(settings):
        print(*lines, sep="\n", file=sys.stderr)
        raise SystemExit(2)
