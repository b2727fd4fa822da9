"""What a delivery is told of earlier ones whose workers died; on real servers, with the time set by the test."""

from tests.worker.clocked_breaker import SECOND, T0
from tests.worker.leases import begin, pause
from worker import breaker, journal
from worker.breaker import Attempted, Permit
from worker.journal import Entry
from worker.lease import LEASE

LEASE_MS = round(LEASE * 1000)


def grant(store, token, *providers):
    return store.run(breaker.acquire(store, "task", token, "permit", providers))[0]


def lose(clock, store, token):
    """Lets a delivery take the lease and die."""
    begun = begin(store, token)
    clock.after(LEASE_MS)
    return begun


def test_a_delivery_is_told_how_often_its_holders_died(clock, store):
    assert [lose(clock, store, token).deaths for token in "abc"] == [0, 1, 2]


def test_a_lease_found_held_or_let_go_is_no_death(clock, store):
    begin(store, "a")
    begin(store, "a")
    begin(store, "b")
    pause(store, "a", 1, 0.0)
    begin(store, "b", step=0)
    assert begin(store, "c", step=1).deaths == 0


def test_a_delivery_is_told_what_its_dead_holder_was_asking_and_since_when(clock, store):
    begin(store, "a")
    clock.after(SECOND)
    grant(store, "a", "alpha", "beta")
    clock.after(LEASE_MS)
    at = T0 / 1000 + 1
    assert begin(store, "b").lost == (Entry("alpha", journal.LOST, at, reason="its worker died"),)


def test_an_attempt_that_ended_was_not_lost(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    clock.record(Attempted(Permit("alpha", T0), "failure", 1, failure="said no"), task="task", token="a")
    clock.after(LEASE_MS)
    found = begin(store, "b")
    assert (found.deaths, found.lost) == (1, ())


def test_after_a_failover_the_next_provider_s_attempt_is_the_lost_one(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha", "beta")
    clock.record(Attempted(Permit("alpha", T0), "failure", 1, failure="no"), "beta", task="task", token="a")
    clock.after(LEASE_MS)
    assert [entry.provider for entry in begin(store, "b").lost] == ["beta"]


def test_an_attempt_is_told_lost_once(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    clock.after(LEASE_MS)
    lose(clock, store, "b")
    found = begin(store, "c")
    assert (found.deaths, len(found.lost)) == (2, 1)


def test_a_permit_given_back_before_the_task_was_let_go_is_no_lost_attempt(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    pause(store, "a", 1, 0.0)
    begin(store, "b", step=1)
    clock.after(LEASE_MS)
    assert begin(store, "c", step=1).lost == ()
