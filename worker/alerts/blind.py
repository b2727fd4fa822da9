"""Alerts about Redis itself: that it is down, full, or refuses this client.

Redis cannot keep what was sent about that, so this process does. The process that has the receiver's lease sends: while
Redis fails, no other can take it. If that process dies meanwhile, the recovery is not sent.
"""

import time
from collections.abc import Callable, Sequence

from config.alerts import Receiver
from worker.alerts.message import Message
from worker.alerts.problems import LOOK_EVERY, began, ended, message_id
from worker.diagnosis.problems import BLIND, Problem


class RedisAlerts:
    """What one receiver is to get about Redis: a problem that stands for `LOOK_EVERY`, and its end as late."""

    def __init__(self, fleet: str, receiver: Receiver, look: Callable[[], Sequence[Problem]]) -> None:
        """Sends nothing itself; see `Sender`, whose arguments these are."""
        self._fleet, self._receiver, self._look = fleet, receiver, look
        self._fails = False
        self._since = self._looks_at = 0.0  # on the monotonic clock
        self._since_at = 0.0
        self._sent: list[Message] = []

    def due(self, *, fails: bool) -> Message | None:
        """Returns what is to be sent now, after Redis was asked once more; the same until `taken`."""
        now = time.monotonic()
        if fails != self._fails:
            self._fails, self._since, self._since_at = fails, now, time.time()
        if now - self._since < LOOK_EVERY:
            return None
        return self._problem(now) if fails else self._end()

    def taken(self, message: Message) -> None:
        """Notes that the receiver has a message."""
        if message.status == "alert":
            self._sent.append(message)
        else:
            self._sent = [each for each in self._sent if each.id not in message.ends]

    def _problem(self, now: float) -> Message | None:
        wanted = BLIND & set(self._receiver.problems) - {each.type for each in self._sent}
        if not wanted or now < self._looks_at:
            return None
        for problem in self._look():
            if problem.kind in wanted:
                id_ = message_id(self._fleet, problem, self._since_at)
                return began(self._fleet, id_, problem, self._since_at)
        self._looks_at = now + LOOK_EVERY
        return None

    def _end(self) -> Message | None:
        if not self._receiver.recovery:
            self._sent.clear()
        return next((ended(self._fleet, each.id, each.type, "", self._since_at) for each in self._sent), None)
