"""Renews the messages and leases of this process, so that no other worker gets them; kombu has no such heartbeat.

A message is delivered again once its entry in the index of unacknowledged messages is older than the visibility
timeout. One thread of the process, independent of any connection, does this every few seconds:

1. It renews the index entry of every message that the process holds.
2. It renews the leases of the tasks, and the slots of their calls.
3. It compares the clock with that of Redis.
4. It sends the acknowledgements that Redis has not taken.
5. It reports calls in flight that are silent for longer than usual.
6. It writes what the process counted, and what it kept to count during a Redis outage.
7. It reports this worker by its name: see presence.py.
8. It logs what changed in the fleet.

The last three are for people alone: see reports.py. With messages, leases and slots all this is 8 round trips, without
any of them 3 or 5.
"""

import logging
import threading
import time
from functools import partial
from typing import Any

from celery import bootsteps
from redis import Redis
from redis.exceptions import RedisError

from tasks.celery import settings
from tasks.clock import CLOCK
from tasks.node.event_log import EVENT_LOG, report_missing
from tasks.node.presence import Presence
from tasks.node.reports import run_reports
from tasks.store import store
from tasks.transport.qos import UNACKED_TAGS as MESSAGES
from tasks.transport.qos import acknowledge_unsent
from tasks.transport.scripts import script
from worker.admission.stalls import STALLS
from worker.errors import RedisUnavailable
from worker.limits.slots import SLOTS
from worker.store.client import refused_by
from worker.store.refusals import REFUSALS
from worker.task.lease import RENEW_EVERY, RENEWER
from worker.telemetry.counters import flush
from worker.telemetry.harmless import harmless

_log = logging.getLogger(__name__)


class Heartbeat(bootsteps.StartStopStep):
    """The worker's thread that renews its messages and leases."""

    def start(self, worker: Any) -> None:
        """Starts the thread, which outlives reconnections and ends with the process."""
        self._ended = threading.Event()
        CLOCK.distrust()
        report_missing(settings)
        self._presence = Presence(worker)
        self._beat()
        threading.Thread(target=self._run, name="visibility", daemon=True).start()

    def terminate(self, worker: Any) -> None:
        """Ends the thread. Not in `stop`: running calls need it until they end."""
        self._ended.set()
        self._presence.remove()

    def _run(self) -> None:
        while not self._ended.wait(RENEW_EVERY):
            self._beat()

    def _beat(self) -> None:
        began = time.monotonic()
        try:
            _hold(store().redis)
            RENEWER.renew(store())
            SLOTS.renew(store())
            CLOCK.compare(store().redis.time)
            acknowledge_unsent()
            STALLS.report(store())
            run_reports(
                began,
                partial(flush, store()),
                self._presence.report,
                REFUSALS.taken,
                partial(EVENT_LOG.report, store()),
            )
        except (RedisError, RedisUnavailable, OSError) as exc:
            if cause := refused_by(exc):
                harmless(REFUSALS.refused)(store(), cause)
            else:
                _log.warning("heartbeat-missed error=%s", type(exc).__name__)


def _hold(client: Redis) -> None:
    indexes: dict[str, list[str]] = {}
    for tag, index in list(MESSAGES.items()):
        indexes.setdefault(index, []).append(tag)
    for index, tags in indexes.items():
        script("extend_visibility")([index], tags, client)
