"""The breaker `alpha` as processes of a fleet share it, by the server's own clock: what each of them does to it."""

from typing import Any
from uuid import uuid4

from config.breaker import Breaker
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import provider
from worker.admission import breaker
from worker.admission.breaker import Attempted, Permit, Snapshot
from worker.store.store import Store
from worker.task import journal
from worker.task.journal import Entry

LONG, SHORT = 60.0, 0.5
COOLDOWN = 0.05
PATIENT = 10.0
MANY = 100
"""Calls after which a breaker is given up that refuses none."""


def store_with(
    url: str,
    *,
    permit_seconds: float = LONG,
    cooldown_period: float = COOLDOWN,
    timeout: float = PATIENT,
    **settings: Any,
) -> Store:
    """Returns a store with these settings of the breaker, whose half-open permits last `permit_seconds`.

    A call waits `timeout` seconds for the server, by default far longer than a worker's: a busy machine is no outage.
    """
    times = {"connect_timeout": permit_seconds / 2, "first_token_timeout": permit_seconds / 2}
    settings_of = Breaker(cooldown_period=cooldown_period, **settings)
    store = Store(url, "fallback", {"alpha": provider("alpha", breaker=settings_of, **times)})
    store.redis.connection_pool.connection_kwargs.update(socket_timeout=timeout, socket_connect_timeout=timeout)
    return store


def acquire(store: Store) -> Permit | None:
    """Returns a permit, or None where none is given."""
    permit_id = uuid4().hex
    return breaker.parse_acquire_reply(
        store.run(breaker.acquire(store, "", "", permit_id, ["alpha"]))[0], permit_id, ["alpha"]
    ).permit


def record(store: Store, permit: Permit, outcome: str, request: str = "") -> int:
    """Records an attempt and its line in the journal, as a worker does; returns 1 where it counted."""
    request = request or uuid4().hex
    failure = "" if outcome == "success" else outcome
    attempted = Attempted(permit, outcome, 1, failure=failure)
    lines = journal.append(store, request, [Entry("alpha", outcome, 1.0)])
    counted: int = store.run(breaker.record(store, request, "", uuid4().hex, attempted, []), *lines)[0][0]
    return counted


def look(store: Store) -> Snapshot:
    """Returns the breaker as it stands."""
    return breaker.snapshot(store, ["alpha"])[0]


def stored(store: Store) -> dict[str, str]:
    """Returns the breaker's fields as they are stored."""
    return store.redis.hgetall(store.keys.breaker("alpha"))


def permits_of(store: Store) -> dict[str, float]:
    """Returns the half-open permits and the ms at which each runs out."""
    return dict(store.redis.zrange(store.keys.breaker("alpha") + ":permits", 0, -1, withscores=True))


def events(store: Store, kind: str = "") -> list[dict[str, str]]:
    """Returns the events until now, of one type or of all."""
    return [fields for _, fields in store.redis.xrange(store.keys.events) if kind in ("", fields["type"])]


def trip(store: Store) -> None:
    """Opens the breaker by failures."""
    for _ in range(MANY):
        if not (permit := acquire(store)):
            break
        record(store, permit, "failure")
    assert look(store).state == "open"


def wait_for_cooldown(store: Store) -> None:
    """Waits until an open breaker would admit."""
    wait_until(lambda: (found := look(store)).state == "open" and found.now >= found.open_until)


def half_open_permit(store: Store) -> Permit:
    """Trips the breaker and returns the first half-open permit."""
    trip(store)
    wait_for_cooldown(store)
    permit = acquire(store)
    assert permit
    assert permit.half_open_id
    return permit
