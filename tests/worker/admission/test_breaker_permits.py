"""Half-open: one live permit at a time, and whose outcome counts."""

import pytest

from config.breaker import Breaker
from tests.worker.admission.clocked_breaker import PERMIT_MS, SECOND, ClockedBreaker, attempted
from worker.admission import breaker


@pytest.fixture
def b(every_redis):
    b = ClockedBreaker(every_redis)
    b.trip()
    b.at(b.fields()["open_until"])
    return b


def test_one_of_many_gets_a_permit_and_the_others_are_to_ask_in_a_second(b):
    decisions = [b.acquire() for _ in range(8)]
    assert [d.kind for d in decisions] == ["next"] + 7 * ["none"]
    assert {d.wait for d in decisions[1:]} == {1.0}


@pytest.mark.parametrize("outcome", ["success", "rate-limited", "ignored"])
def test_the_next_permit_is_granted_as_soon_as_the_last_is_settled(b, outcome):
    b.call(outcome)
    assert b.permit().half_open_id


def test_a_permit_that_nobody_settles_runs_out(b):
    b.permit()
    b.after(PERMIT_MS - 1)
    assert b.acquire().kind == "none"
    b.after(1)
    assert b.acquire().kind == "next"


def test_a_permit_is_as_long_as_the_provider_s_time_to_the_first_token(b):
    b.permit()
    assert list(b.permits().values()) == [b.now + PERMIT_MS]


def test_the_first_token_extends_a_live_permit(b):
    permit = b.permit()
    b.after(PERMIT_MS - 1)
    assert breaker.extend(b.store, permit, 120)
    b.after(119 * SECOND)
    assert b.acquire().kind == "none"
    b.record(attempted(permit, "success"))
    assert b.fields()["half_open_successes"] == 1


def test_a_permit_that_ran_out_is_not_extended(b):
    permit = b.permit()
    b.after(PERMIT_MS)
    assert not breaker.extend(b.store, permit, 120)
    assert b.permit().half_open_id != permit.half_open_id


def test_a_success_after_the_permit_ran_out_does_not_count(b):
    late = b.permit()
    b.after(PERMIT_MS)
    before = b.fields()
    assert b.reply(attempted(late, "success"))[0] == 0
    assert b.fields() == before


def test_a_success_after_another_took_over_does_not_count_nor_free_the_other_s_permit(b):
    late = b.permit()
    b.after(PERMIT_MS)
    other = b.permit()
    assert b.reply(attempted(late, "success"))[0] == 0
    assert list(b.permits()) == [other.half_open_id]


def test_a_failure_after_the_permit_ran_out_opens_it_again(b):
    late = b.permit()
    b.after(PERMIT_MS)
    b.permit()
    b.record(attempted(late, "failure"))
    assert (b.fields()["state"], b.permits()) == ("open", {})


@pytest.mark.parametrize(("first", "second"), [("success", "success"), ("failure", "failure"), ("ignored", "success")])
def test_a_permit_settled_twice_counts_once(b, first, second):
    permit = b.permit()
    b.record(attempted(permit, first))
    before, changes = b.fields(), b.changes()
    assert b.reply(attempted(permit, second))[0] == 0
    assert (b.fields(), b.changes()) == (before, changes)


def test_two_successes_of_one_holder_close_nothing(every_redis):
    b = ClockedBreaker(every_redis, Breaker(success_threshold=3))
    b.trip()
    b.at(b.fields()["open_until"])
    permit = b.permit()
    for _ in range(5):
        b.record(attempted(permit, "success"))
    assert (b.fields()["state"], b.fields()["half_open_successes"]) == ("half-open", 1)


@pytest.mark.parametrize("outcome", ["success", "failure", "quota", "authentication", "ignored"])
def test_a_late_result_of_the_first_round_changes_nothing_in_the_second(b, outcome):
    late = b.permit()
    b.after(PERMIT_MS)
    b.call("failure")
    b.at(b.fields()["open_until"])
    b.permit()
    before, permits = b.fields(), b.permits()
    assert before["state"] == "half-open"
    assert b.reply(attempted(late, outcome))[0] == 0
    assert (b.fields(), b.permits()) == (before, permits)


@pytest.mark.parametrize("outcome", ["success", "failure", "quota", "authentication", "ignored"])
def test_a_result_from_before_the_trip_changes_nothing_after_it(every_redis, outcome):
    b = ClockedBreaker(every_redis)
    early = b.permit()
    b.trip()
    before = b.fields()
    assert b.reply(attempted(early, outcome))[0] == 0
    assert b.fields() == before
