"""Acknowledgements: what this process holds, and how a message gets back into its queue or out of the way."""

import logging
from typing import Any

from celery.worker import state
from kombu.transport import redis
from kombu.utils.json import dumps

from tasks.clock import CLOCK
from tasks.completion import store
from tasks.scripts import script

HELD: dict[str, str] = {}
"""Delivery tags of this process -> their index, for the heartbeat, whatever becomes of a connection."""

OUTLIVING: set[str] = set()
"""Delivery tags of tasks that run on while their channel is closed; each takes a place of the next channel's."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What a message that is not one raises; errors of the connection are others."""

_SWEEP = 100
_KEPT = 100
_KEEP = 7 * 86_400
_log = logging.getLogger(__name__)


class QoS(redis.QoS):
    """Acknowledgements of a channel; of what was fetched by script, registering is done."""

    def can_consume(self) -> bool:
        """Says whether the channel may take messages; from a queue only with a clock that is right."""
        if not CLOCK.right and self.channel.active_queues:
            return False
        return super().can_consume() and self.can_consume_max_estimate() != 0

    def can_consume_max_estimate(self) -> int | None:
        """Returns how many messages the channel may take; None without a bound."""
        places = super().can_consume_max_estimate()
        return places and max(places - len(OUTLIVING), 0)

    def append(self, message: Any, delivery_tag: str) -> None:
        """Notes a message as delivered, and registers it unless the script has."""
        if self.channel.registered(delivery_tag):
            super(redis.QoS, self).append(message, delivery_tag)
        else:
            super().append(message, delivery_tag)
        HELD[delivery_tag] = self.unacked_index_key

    def ack(self, delivery_tag: str) -> None:
        """Lets a message go for good."""
        self._let_go(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Lets a message go; with `requeue` it comes back as that of a dead holder does.

        What asks for it could not queue a retry or store an outcome, and at once could not again; or it came as its
        queue was cancelled.
        """
        self._let_go(delivery_tag)
        if requeue:
            self._quick_ack(delivery_tag)
        else:
            super().reject(delivery_tag)

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Puts back what nobody has held for the visibility timeout.

        Without kombu's lock, whose holder may die: of many that put back one message, the script lets one.
        """
        with self.channel.conn_or_acquire() as client:
            args = [self.visibility_timeout, _SWEEP]
            for tag in script("overdue")([self.unacked_index_key], args, client):
                self._restore(tag.decode(), client, "RPUSH", self.visibility_timeout)

    def restore_unacked(self, client: Any = None) -> None:
        """Puts back what a closing channel has, but for tasks that run: Celery would begin each of them again.

        What cannot be put back, for Redis is away, is let go all the same, so that others find it overdue.
        """
        running = _running()
        OUTLIVING.update(running & self._delivered.keys())
        OUTLIVING.intersection_update(HELD)  # or one acknowledged meanwhile would keep its place for ever
        given_back = [tag for tag in self._delivered if tag not in running]
        self._delivered.clear()
        for tag in given_back:
            self._let_go(tag)
        for tag in given_back:
            self.restore_by_tag(tag, client)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Puts a message that this process held back into its queue."""
        self._let_go(tag)
        with self.channel.conn_or_acquire(client) as client:
            self._restore(tag, client, "LPUSH" if leftmost else "RPUSH", 0)

    def quarantine(self, tag: str, cause: Exception) -> None:
        """Moves a message that cannot be read out of the way, and tells it without a word of what it says."""
        self._let_go(tag)
        if tag in self._delivered:
            self._quick_ack(tag)
        shared = store()
        keys = [*self._registers, shared.quarantine, shared.counters, shared.events]
        reason = type(cause).__name__
        with self.channel.conn_or_acquire() as client:
            if script("quarantine")(keys, [tag, reason, _KEPT, _KEEP], client):
                _log.error("message-quarantined cause=%s", reason)

    def _let_go(self, tag: str) -> None:
        HELD.pop(tag, None)
        OUTLIVING.discard(tag)

    def _remove_from_indices(self, delivery_tag: str, pipe: Any = None) -> Any:
        """Returns what lets a message go, without kombu's MULTI, in which a full Redis 7.0 refuses even this.

        An index entry that is left alone goes with the next sweep.
        """
        with self.channel.conn_or_acquire() as client:
            pipeline = client.pipeline(transaction=False)
            return pipeline.hdel(self.unacked_key, delivery_tag).zrem(self.unacked_index_key, delivery_tag)

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


def _running() -> set[str]:
    try:
        return {request.message.delivery_tag for request in tuple(state.active_requests)}
    except RuntimeError:  # another thread began one meanwhile
        return set()
