"""What a delivery reads of earlier ones whose workers crashed; on real servers, with the time set by the test."""

from tests.worker.admission.clocked_breaker import SECOND, T0
from tests.worker.task.deliveries import begin, pause
from worker.admission import breaker
from worker.admission.breaker import Attempted, Permit
from worker.task import journal
from worker.task.journal import Entry
from worker.task.lease import LEASE

LEASE_MS = round(LEASE * 1000)


def grant(store, lease_id, *providers):
    return store.run(breaker.acquire(store, "task", lease_id, "permit", providers))[0]


def crash(clock, store, lease_id):
    """Lets a delivery take the lease, and its worker crash."""
    begun = begin(store, lease_id)
    clock.after(LEASE_MS)
    return begun


def test_a_delivery_reads_how_often_its_workers_crashed(clock, store):
    assert [crash(clock, store, lease_id).crashes for lease_id in "abc"] == [0, 1, 2]


def test_a_lease_found_held_or_released_is_no_crash(clock, store):
    begin(store, "a")
    begin(store, "a")
    begin(store, "b")
    pause(store, "a", 1, 0.0)
    begin(store, "b", step=0)
    assert begin(store, "c", step=1).crashes == 0


def test_a_delivery_reads_what_the_crashed_worker_was_asking_and_since_when(clock, store):
    begin(store, "a")
    clock.after(SECOND)
    grant(store, "a", "alpha", "beta")
    clock.after(LEASE_MS)
    at = T0 / 1000 + 1
    assert begin(store, "b").crashed_attempts == (
        Entry("alpha", journal.CRASHED, at, reason="its worker died", billed="unknown"),
    )


def test_an_attempt_that_ended_did_not_crash(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    clock.record(Attempted(Permit("alpha", T0), "failure", 1, failure="said no"), task="task", lease_id="a")
    clock.after(LEASE_MS)
    found = begin(store, "b")
    assert (found.crashes, found.crashed_attempts) == (1, ())


def test_after_a_failover_the_next_provider_s_attempt_is_the_crashed_one(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha", "beta")
    clock.record(Attempted(Permit("alpha", T0), "failure", 1, failure="no"), "beta", task="task", lease_id="a")
    clock.after(LEASE_MS)
    assert [entry.provider for entry in begin(store, "b").crashed_attempts] == ["beta"]


def test_an_attempt_is_reported_as_crashed_once(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    clock.after(LEASE_MS)
    crash(clock, store, "b")
    found = begin(store, "c")
    assert (found.crashes, len(found.crashed_attempts)) == (2, 1)


def test_a_permit_returned_before_the_task_was_released_is_no_crashed_attempt(clock, store):
    begin(store, "a")
    grant(store, "a", "alpha")
    pause(store, "a", 1, 0.0)
    begin(store, "b", step=1)
    clock.after(LEASE_MS)
    assert begin(store, "c", step=1).crashed_attempts == ()
