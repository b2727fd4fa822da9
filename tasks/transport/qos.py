"""Acknowledgements: the messages that this process holds; their return to the queue, or into quarantine."""

import logging
from functools import cached_property
from typing import Any

from celery.worker import state
from kombu.transport import redis
from kombu.utils.json import dumps
from redis.exceptions import ConnectionError, TimeoutError

from tasks.clock import CLOCK
from tasks.store import store
from tasks.transport.reserve import RESERVE
from tasks.transport.scripts import script
from worker.store.connection import Command, Connections

UNACKED_TAGS: dict[str, str] = {}
"""Delivery tags of this process -> their index, for the heartbeat; independent of any connection."""

OUTLIVING: set[str] = set()
"""Delivery tags of tasks that still run although their channel is closed; each uses one place of the next channel."""

UNSENT_ACKS: dict[str, tuple[Command, ...]] = {}
"""Acknowledgements that Redis has not taken, by their delivery tags."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""Errors that an unreadable message causes; those of the connection are others."""

_SWEEP = 100
_KEPT = 100
_KEEP = 7 * 86_400
_log = logging.getLogger(__name__)


class QoS(redis.QoS):
    """The acknowledgements of a channel; the script has already registered the messages that it fetched."""

    def can_consume(self) -> bool:
        """Returns whether the channel may fetch messages; from a queue only if the clock is right."""
        if not CLOCK.right and self.channel.active_queues:
            return False
        return super().can_consume() and self.can_consume_max_estimate() != 0

    def can_consume_max_estimate(self) -> int | None:
        """Returns how many messages the channel may fetch; None if there is no bound."""
        places = super().can_consume_max_estimate()
        return places and max(places - len(OUTLIVING), 0)

    def common_places(self) -> int | None:
        """Returns how many messages of any priority the channel may fetch; None if there is no bound."""
        places = self.can_consume_max_estimate()
        return places and max(places - RESERVE.of(self.channel.active_queues), 0)

    def give_back(self, delivery_tag: str) -> None:
        """Puts a message that this process holds back into its queue, as the next one to be taken."""
        self.restore_by_tag(delivery_tag)
        self._quick_ack(delivery_tag)

    def append(self, message: Any, delivery_tag: str) -> None:
        """Records a message as delivered; registers it unless the script has."""
        if self.channel.registered(delivery_tag):
            super(redis.QoS, self).append(message, delivery_tag)
        else:
            super().append(message, delivery_tag)
        UNACKED_TAGS[delivery_tag] = self.unacked_index_key

    def ack(self, delivery_tag: str) -> None:
        """Acknowledges a message. What ends together is acknowledged together, over one connection that is kept.

        If Redis does not take it, the heartbeat sends it again.
        """
        self._stop_renewing(delivery_tag)
        self._quick_ack(delivery_tag)
        # Without MULTI, which a full Redis 7.0 refuses. The next sweep removes an index entry that is left over.
        ack = ("HDEL", self.unacked_key, delivery_tag), ("ZREM", self.unacked_index_key, delivery_tag)
        try:
            taken = not any(isinstance(reply, Exception) for reply in self._acks.send(ack))
        except (ConnectionError, TimeoutError, OSError):
            taken = False
        if not taken:
            UNSENT_ACKS[delivery_tag] = ack

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drops a message; with `requeue` it is redelivered after the visibility timeout, like that of a dead worker.

        `requeue` is set if a retry could not be queued or an outcome not stored, which would fail again at once; or if
        the message arrived while its queue was cancelled.
        """
        if requeue:
            self.let_go(delivery_tag)
        else:
            self.ack(delivery_tag)

    def let_go(self, delivery_tag: str) -> None:
        """Stops holding a message that stays in Redis: a script has moved it, or it is to be found overdue."""
        self._stop_renewing(delivery_tag)
        self._quick_ack(delivery_tag)

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Restores messages that nobody has renewed for the visibility timeout.

        It needs no lock like kombu's, whose holder may die: if many restore one message, the script lets one succeed.
        """
        with self.channel.conn_or_acquire() as client:
            args = [self.visibility_timeout, _SWEEP]
            for tag in script("overdue")([self.unacked_index_key], args, client):
                self._restore(tag.decode(), client, "RPUSH", self.visibility_timeout)

    def restore_unacked(self, client: Any = None) -> None:
        """Restores the messages of a closing channel, except those of running tasks, which Celery would begin again.

        If Redis is unavailable, the process still stops renewing them, so that other workers find them overdue.
        """
        running = _running()
        OUTLIVING.update(running & self._delivered.keys())
        OUTLIVING.intersection_update(UNACKED_TAGS)  # or one that was acknowledged meanwhile would use a place for ever
        returned = [tag for tag in self._delivered if tag not in running]
        self._delivered.clear()
        for tag in returned:
            self._stop_renewing(tag)
        for tag in returned:
            self.restore_by_tag(tag, client)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Restores a message that this process held to its queue."""
        self._stop_renewing(tag)
        with self.channel.conn_or_acquire(client) as client:
            self._restore(tag, client, "LPUSH" if leftmost else "RPUSH", 0)

    def quarantine(self, tag: str, cause: Exception) -> None:
        """Moves an unreadable message into quarantine, and logs that without its content."""
        self._stop_renewing(tag)
        if tag in self._delivered:
            self._quick_ack(tag)
        shared = store()
        keys = [*self._registers, shared.keys.quarantine, shared.keys.counters, shared.keys.events]
        reason = type(cause).__name__
        with self.channel.conn_or_acquire() as client:
            if script("quarantine")(keys, [tag, reason, _KEPT, _KEEP], client):
                _log.error("message-quarantined cause=%s", reason)

    def _stop_renewing(self, tag: str) -> None:
        UNACKED_TAGS.pop(tag, None)
        OUTLIVING.discard(tag)

    @cached_property
    def _acks(self) -> Connections:
        return Connections(self.channel._create_client(), 1)

    @property
    def _registers(self) -> list[str]:
        return [self.unacked_key, self.unacked_index_key]

    def _restore(self, tag: str, client: Any, push: str, unheld: float) -> None:
        stored = client.hget(self.unacked_key, tag)
        if stored is None:
            client.zrem(self.unacked_index_key, tag)
            return
        try:
            message, exchange, routing_key = self.channel.returning(stored)
        except UNREADABLE as exc:
            self.quarantine(tag, exc)
            return
        if lists := self.channel.lists(message, exchange, routing_key):
            script("restore")([*self._registers, *lists], [tag, dumps(message), push, unheld], client)
        else:
            self.quarantine(tag, LookupError("no queue is bound"))


def acknowledge_unsent() -> None:
    """Sends the acknowledgements that Redis has not taken so far.

    Raises:
        RedisUnavailable: it still does not.
    """
    unsent = dict(UNSENT_ACKS)
    if unsent:
        store().run(*(command for commands in unsent.values() for command in commands))
    for tag in unsent:
        del UNSENT_ACKS[tag]


def _running() -> set[str]:
    try:
        return {request.message.delivery_tag for request in tuple(state.active_requests)}
    except RuntimeError:  # another thread began a task meanwhile
        return set()
