"""Sends the alerts of one receiver: in the order of their events, each until the receiver has taken it.

1. One process of the fleet sends: the one that has the receiver's lease. If it dies another goes on after `LEASE`.
2. The cursor moves after a 2xx. A process that dies between the two sends that alert again, under the same id.
3. A receiver that answers anything else gets the same alert again, after 1 s, then twice as long, up to a minute; later
   if it asks for that. One that answers 410 gets it again after an hour.
4. Nothing else waits for a receiver: each has a thread and connections of its own.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from redis.exceptions import RedisError

from config.alerts import Receiver
from worker.alerts.blind import RedisAlerts
from worker.alerts.inbox import BATCH, Inbox, Received
from worker.alerts.message import Message, of_event
from worker.alerts.problems import LOOK_EVERY, changes
from worker.alerts.state import Alerted
from worker.alerts.webhook import Reply, Webhook
from worker.diagnosis.problems import Problem
from worker.errors import RedisUnavailable
from worker.store.store import Store

IDLE = 1.0
"""Seconds between two looks."""

LONGEST_PAUSE, LONGEST_RETRY_AFTER, GONE_PAUSE = 60.0, 3_600.0, 3_600.0

_log = logging.getLogger(__name__)


class Sender:
    """The sender of one receiver in this process."""

    def __init__(
        self, store: Store, fleet: str, name: str, receiver: Receiver, look: Callable[[], Sequence[Problem]]
    ) -> None:
        """Sends nothing before `run`.

        Args:
            store: the shared store.
            fleet: its name, the namespace.
            name: the receiver's name in the settings.
            receiver: its settings; none of its variables is missing.
            look: returns what is wrong with the fleet.
        """
        self._fleet, self._name, self._receiver = fleet, name, receiver
        self._inbox, self._webhook = Inbox(store, name), Webhook(receiver)
        self._has_lease = False
        self._redis = RedisAlerts(fleet, receiver, look)
        self._look = look
        self._looks_at = 0.0
        self._is_cut_off = False
        self._failures = 0
        self._posting_since = 0.0

    def run(self, ended: threading.Event) -> None:
        """Sends until `ended` is set."""
        pause = 0.0
        while not ended.wait(pause):
            try:
                pause = self.turn()
            except Exception:  # noqa: BLE001 - a fault that nobody thought of must not end all alerts until a restart
                _log.exception("alerts-failed receiver=%s", self._name)
                pause = LONGEST_PAUSE
        self._leave()

    def renew(self) -> None:
        """Renews the lease while a receiver answers slowly or is left alone. Another thread calls it every few seconds.

        A call that is not over long after its timeouts renews nothing, so that another process may try.
        """
        is_stuck = self._posting_since and time.monotonic() - self._posting_since > 4 * self._receiver.timeout
        if self._has_lease and not is_stuck:
            try:
                self._has_lease = self._inbox.write()
            except (RedisUnavailable, RedisError) as exc:
                _log.warning("alerts-lease-not-renewed receiver=%s error=%s", self._name, type(exc).__name__)

    def turn(self) -> float:
        """Sends what there is; returns the seconds until the next turn."""
        try:
            received = self._inbox.receive()
            self._has_lease = received is not None
            pause = self._send_all(received) if received else IDLE
            if received and pause == IDLE and self._receiver.problems and time.monotonic() >= self._looks_at:
                pause = self._send_problems(received.fields)
        except (RedisUnavailable, RedisError) as exc:
            if not self._is_cut_off:
                _log.warning("alerts-missed receiver=%s error=%s", self._name, type(exc).__name__)
            self._is_cut_off = True
            return self._send_of_redis() if self._has_lease else IDLE
        self._is_cut_off = False
        return self._send_of_redis() if pause == IDLE else pause

    def _send_all(self, received: Received) -> float:
        alerted, last = Alerted(received.fields), ""
        for entry, event in received.entries:
            if alerted.is_wanted(event, self._receiver):
                if pause := self._post(of_event(self._fleet, entry, event, alerted.ended_by(event))):
                    if last:
                        self._advance(alerted, last)
                    return pause
                alerted.note(event, f"{self._fleet}-{entry}")
                last = ""
                if not self._advance(alerted, entry):
                    return IDLE
            else:
                alerted.note(event)
                last = entry
        if last:
            self._advance(alerted, last)
        return 0.0 if len(received.entries) == BATCH else IDLE

    def _send_problems(self, fields: Mapping[str, str]) -> float:
        self._looks_at = time.monotonic() + LOOK_EVERY
        for change in changes(self._fleet, self._receiver, self._look(), fields, time.time()):
            if change.message and (pause := self._post(change.message)):
                self._looks_at = 0.0
                return pause
            removed, written = ([], {change.name: change.value}) if change.value else ([change.name], {})
            self._has_lease = self._inbox.write(removed, written)
            if not self._has_lease:
                break
        return IDLE

    def _send_of_redis(self) -> float:
        message = self._redis.due(fails=self._is_cut_off)
        if message is None:
            return IDLE
        if pause := self._post(message):
            return pause
        self._redis.taken(message)
        return 0.0

    def _advance(self, alerted: Alerted, entry: str) -> bool:
        removed, written = alerted.changes()
        self._has_lease = self._inbox.write(removed, {**written, "cursor": entry})
        return self._has_lease

    def _post(self, message: Message) -> float:
        """Posts a message; returns 0 if the receiver took it, else the seconds until it gets it again."""
        self._posting_since = time.monotonic()
        reply = self._webhook.post(message)
        self._posting_since = 0.0
        if reply.is_accepted:
            if self._failures:
                _log.warning("alerts-delivered receiver=%s failures=%d", self._name, self._failures)
            self._failures = 0
            return 0.0
        self._failures += 1
        pause = _pause(reply, self._failures)
        log = _log.error if reply.is_gone else _log.warning
        log("alert-not-delivered receiver=%s answer=%s next_try=%.0fs", self._name, reply.said, pause)
        return pause

    def _leave(self) -> None:
        self._webhook.close()
        if self._has_lease:
            try:
                self._inbox.leave()
            except (RedisUnavailable, RedisError) as exc:
                _log.warning("alerts-lease-not-left receiver=%s error=%s", self._name, type(exc).__name__)


def _pause(reply: Reply, failures: int) -> float:
    if reply.is_gone:
        return GONE_PAUSE
    backoff = min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 10)) * random.uniform(0.75, 1.0)  # noqa: S311 - no secret
    return max(backoff, min(reply.retry_after or 0.0, LONGEST_RETRY_AFTER))
