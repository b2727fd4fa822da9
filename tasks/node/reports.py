"""What a heartbeat does for people alone: no lease waits for it for long, and none ends with it."""

import time
from collections.abc import Callable
from functools import partial

from worker.errors import RedisUnavailable
from worker.telemetry.harmless import FAULTS

LATE = 3.0
"""Seconds after a beat began from which on it reports nothing more: the next one renews leases of 15 s."""


def run_reports(began: float, *reports: Callable[[], object]) -> None:
    """Calls each report, unless the beat, which `began` on the monotonic clock, has taken too long by then.

    A report that fails is a line of the log, and keeps neither the others from it nor the thread from its next beat.

    Raises:
        RedisUnavailable: the store did not answer, so it would not answer the next report either.
    """
    for report in reports:
        if time.monotonic() - began >= LATE:
            return
        try:
            report()
        except RedisUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - the thread that renews leases must not end for it
            FAULTS(_name(report), fault)


def _name(report: Callable[[], object]) -> str:
    named = report.func if isinstance(report, partial) else report
    return getattr(named, "__qualname__", "heartbeat")
