"""Half-open: one live lease at a time, and whose word counts."""

import pytest

from config.breaker import Breaker
from tests.worker.clocked_breaker import LEASE, SECOND, ClockedBreaker, attempted
from worker import breaker


@pytest.fixture
def b(every_redis):
    b = ClockedBreaker(every_redis)
    b.trip()
    b.at(b.fields()["open_until"])
    return b


def test_one_of_many_gets_a_lease_and_the_others_are_told_to_ask_in_a_second(b):
    decisions = [b.acquire() for _ in range(8)]
    assert [d.kind for d in decisions] == ["next"] + 7 * ["none"]
    assert {d.wait for d in decisions[1:]} == {1.0}


@pytest.mark.parametrize("outcome", ["success", "rate-limited", "ignored"])
def test_the_next_lease_is_granted_as_soon_as_the_last_is_settled(b, outcome):
    b.call(outcome)
    assert b.permit().lease


def test_a_lease_that_nobody_settles_runs_out(b):
    b.permit()
    b.after(LEASE - 1)
    assert b.acquire().kind == "none"
    b.after(1)
    assert b.acquire().kind == "next"


def test_a_lease_is_as_long_as_the_provider_s_time_to_the_first_token(b):
    b.permit()
    assert list(b.leases().values()) == [b.now + LEASE]


def test_the_first_token_extends_a_live_lease(b):
    permit = b.permit()
    b.after(LEASE - 1)
    assert breaker.extend(b.store, permit, 120)
    b.after(119 * SECOND)
    assert b.acquire().kind == "none"
    b.record(attempted(permit, "success"))
    assert b.fields()["passed"] == 1


def test_a_lease_that_ran_out_is_not_extended(b):
    permit = b.permit()
    b.after(LEASE)
    assert not breaker.extend(b.store, permit, 120)
    assert b.permit().lease != permit.lease


def test_a_success_after_the_lease_ran_out_does_not_count(b):
    late = b.permit()
    b.after(LEASE)
    before = b.fields()
    assert b.reply(attempted(late, "success"))[0] == 0
    assert b.fields() == before


def test_a_success_after_another_took_over_does_not_count_nor_free_the_other_s_lease(b):
    late = b.permit()
    b.after(LEASE)
    other = b.permit()
    assert b.reply(attempted(late, "success"))[0] == 0
    assert list(b.leases()) == [other.lease]


def test_a_failure_after_the_lease_ran_out_opens_it_again(b):
    late = b.permit()
    b.after(LEASE)
    b.permit()
    b.record(attempted(late, "failure"))
    assert (b.fields()["state"], b.leases()) == ("open", {})


@pytest.mark.parametrize(("first", "second"), [("success", "success"), ("failure", "failure"), ("ignored", "success")])
def test_a_permit_settled_twice_counts_once(b, first, second):
    permit = b.permit()
    b.record(attempted(permit, first))
    before, told = b.fields(), b.changes()
    assert b.reply(attempted(permit, second))[0] == 0
    assert (b.fields(), b.changes()) == (before, told)


def test_two_successes_of_one_holder_close_nothing(every_redis):
    b = ClockedBreaker(every_redis, Breaker(success_threshold=3))
    b.trip()
    b.at(b.fields()["open_until"])
    permit = b.permit()
    for _ in range(5):
        b.record(attempted(permit, "success"))
    assert (b.fields()["state"], b.fields()["passed"]) == ("half-open", 1)


@pytest.mark.parametrize("outcome", ["success", "failure", "quota", "authentication", "ignored"])
def test_a_late_result_of_the_first_round_changes_nothing_in_the_second(b, outcome):
    late = b.permit()
    b.after(LEASE)
    b.call("failure")
    b.at(b.fields()["open_until"])
    b.permit()
    before, leases = b.fields(), b.leases()
    assert before["state"] == "half-open"
    assert b.reply(attempted(late, outcome))[0] == 0
    assert (b.fields(), b.leases()) == (before, leases)


@pytest.mark.parametrize("outcome", ["success", "failure", "quota", "authentication", "ignored"])
def test_a_result_from_before_the_trip_changes_nothing_after_it(every_redis, outcome):
    b = ClockedBreaker(every_redis)
    early = b.permit()
    b.trip()
    before = b.fields()
    assert b.reply(attempted(early, outcome))[0] == 0
    assert b.fields() == before
