"""Asks whether a provider of the chain may be called now: by the fleet's breakers, and by this process's bulkheads."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from worker.admission import breaker
from worker.admission.breaker import Attempted, Decision, Permit
from worker.admission.bulkheads import BULKHEADS, with_skipped
from worker.chain import without_redis
from worker.chain.order import Order
from worker.errors import RedisUnavailable
from worker.store.connection import Command
from worker.store.store import Store
from worker.task.journal import Line


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """A request for a permit, to be sent with what else belongs in its round trip.

    Attributes:
        command: what is sent; its reply is for `decision`.
        permit_id: the id that a half-open permit or a slot gets.
        remaining: the providers that remain of the chain.
        asked: those of them that have a place left in this process.
        recorded: the provider of the attempt that the command records, empty for none.
    """

    command: Command
    permit_id: str
    remaining: Sequence[str]
    asked: Sequence[str]
    recorded: str = ""

    def decision(self, reply: Sequence[Any]) -> Decision:
        """Returns the decision in the reply."""
        if self.recorded:
            found = breaker.parse_record_reply(reply, self.permit_id, self.recorded, self.asked)
        else:
            found = breaker.parse_acquire_reply(reply, self.permit_id, self.asked)
        return with_skipped(found, self.remaining, self.asked)

    def without_redis(self, store: Store) -> Decision:
        """Returns the decision of this process where no reply came."""
        return with_skipped(without_redis.decide(store, self.asked), self.remaining, self.asked)


class Permits:
    """What one delivery asks of the breakers.

    No method raises `RedisUnavailable`: during an outage decisions come from `without_redis`, and what a permit holds
    runs out by itself.
    """

    def __init__(self, store: Store, lease_id: str, order: Order) -> None:
        self._store, self._lease_id, self._order = store, lease_id, order
        self._account, self._delivery = order.account, order.account.delivery
        self._ids = (f"{lease_id}:{number}" for number in count(1))

    def request(self, remaining: Sequence[str], lines: Sequence[Line]) -> PermitRequest:
        """Returns the request for a permit from the first provider that admits; `lines` are the journal's."""
        asked, permit_id = self.with_room(remaining), next(self._ids)
        task = (self._store, self._delivery.task_id, self._lease_id, permit_id)
        return PermitRequest(breaker.acquire(*task, asked, self._demand(asked, lines)), permit_id, remaining, asked)

    def record(self, attempted: Attempted, remaining: Sequence[str] = (), lines: Sequence[Line] = ()) -> PermitRequest:
        """Returns the request that records an attempt first, and then asks as `request` does."""
        asked, permit_id = self.with_room(remaining), next(self._ids)
        task = (self._store, self._delivery.task_id, self._lease_id, permit_id)
        command = breaker.record(*task, attempted, asked, self._demand(asked, lines))
        return PermitRequest(command, permit_id, remaining, asked, attempted.permit.provider)

    def acquire(self, remaining: Sequence[str], lines: Sequence[Line]) -> Decision:
        """Returns a permit from the first provider that admits, or why there is none."""
        request = self.request(remaining, lines)
        try:
            return request.decision(self._store.run(request.command)[0])
        except RedisUnavailable:
            return request.without_redis(self._store)

    def give_back(self, permit: Permit) -> None:
        """Returns an unused half-open permit or slot."""
        if permit.half_open_id or permit.slot_id:
            unused = Attempted(permit, "ignored", 0.0, bill=self._account.unused(permit.provider))
            with suppress(RedisUnavailable):
                self._store.run(self.record(unused).command)

    def extend(self, permit: Permit, seconds: float) -> None:
        """Extends a half-open permit at the first byte; if that fails, a success may not count."""
        if permit.half_open_id:
            with suppress(RedisUnavailable):
                breaker.extend(self._store, permit, seconds)

    def with_room(self, providers: Sequence[str]) -> list[str]:
        """Returns those of the providers that have a place left in this process; see `Bulkheads`."""
        return BULKHEADS.with_room(providers, urgent=self._delivery.route.chain.is_urgent)

    def admissions(self, providers: Sequence[str]) -> dict[str, float | None]:
        """Returns the seconds until each provider admits; see `breaker.admissions`."""
        try:
            return breaker.admissions(self._store, providers)
        except RedisUnavailable:
            return without_redis.admissions(providers)

    def _demand(self, providers: Sequence[str], lines: Sequence[Line]) -> str:
        return self._account.demand(providers, self._order.scoring(providers, lines))
