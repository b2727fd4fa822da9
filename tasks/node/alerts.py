"""Sends alerts from a worker that takes probes, if `[alerts]` has a receiver; see worker/alerts/sender.py."""

import logging
import threading
from functools import partial
from typing import Any

from celery import bootsteps

from tasks.celery import PROBES, settings
from tasks.store import store

_RENEW_EVERY = 3.0
"""Seconds between two renewals of a lease, which lasts 10."""

_log = logging.getLogger(__name__)


class Alerts(bootsteps.StartStopStep):
    """A thread for each receiver, and one that renews their leases."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.enabled = bool(settings.alerts)

    def start(self, worker: Any) -> None:
        """Starts the threads, which outlive reconnections and wait for nothing but their own receiver and Redis."""
        self._ended = threading.Event()
        if PROBES not in worker.app.amqp.queues.consume_from:
            return
        # Here: a worker without receivers does not import them.
        from worker.alerts.sender import Sender
        from worker.diagnosis.problems import problems

        self._senders = []
        for name, receiver in settings.alerts.items():
            if receiver.missing:
                _log.error("alerts-not-configured receiver=%s variable=%s", name, receiver.missing)
                continue
            sender = Sender(store(), settings.namespace, name, receiver, partial(problems, settings, store()))
            self._senders.append(sender)
            threading.Thread(target=sender.run, args=(self._ended,), name=f"alerts-{name}", daemon=True).start()
        if self._senders:
            threading.Thread(target=self._renew, name="alerts", daemon=True).start()

    def stop(self, worker: Any) -> None:
        """Ends the threads; another worker sends from now on."""
        self._ended.set()

    def _renew(self) -> None:
        while not self._ended.wait(_RENEW_EVERY):
            for sender in self._senders:
                sender.renew()
