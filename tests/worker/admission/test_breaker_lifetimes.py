"""How long the keys live, and what an operator's override changes about it."""

import pytest

from tests.worker.admission.clocked_breaker import MINUTE, SECOND, ClockedBreaker
from worker.admission import breaker

DAY = 86_400


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def ttls(b):
    return {key.rpartition("}:2:")[2]: b.server.ttl(key) for key in b.server.scan_iter("{fallback}:2:breaker:*")}


def test_every_key_of_a_breaker_expires_after_a_day(b):
    b.trip()
    b.at(b.fields()["open_until"])
    b.permit()
    assert ttls(b) == {"breaker:alpha": DAY, "breaker:alpha:window": DAY, "breaker:alpha:permits": DAY}


@pytest.mark.parametrize("outcome", ["success", "failure", "rate-limited", "quota", "authentication", "ignored"])
def test_every_record_begins_the_day_anew(b, outcome):
    permit = b.permit()
    b.server.expire(b.key(), 10)
    b.record(breaker.Attempted(permit, outcome, 1))
    assert b.server.ttl(b.key()) == DAY


def test_a_permit_keeps_the_breaker_that_granted_it(b):
    b.trip()
    b.at(b.fields()["open_until"])
    b.call("success")
    b.server.expire(b.key(), 10)
    b.permit()
    assert b.server.ttl(b.key()) == DAY


@pytest.mark.parametrize("action", ["open", "closed"])
@pytest.mark.parametrize("seconds", [0, 60])
def test_a_breaker_under_an_override_does_not_expire(b, action, seconds):
    b.fail(1)
    b.control(action, seconds)
    b.record(breaker.Attempted(breaker.Permit("alpha", b.fields()["generation"]), "failure", 1))
    assert ttls(b) == {"breaker:alpha": -1, "breaker:alpha:window": -1}


def test_the_day_is_back_with_the_first_record_after_an_override(b):
    b.fail(1)
    b.control("closed", seconds=60)
    b.after(MINUTE)
    b.fail(1)
    assert ttls(b) == {"breaker:alpha": DAY, "breaker:alpha:window": DAY}


def test_the_day_is_back_with_a_reset(b):
    b.control("open")
    b.control("reset")
    assert ttls(b) == {"breaker:alpha": DAY}


def test_an_override_holds_until_its_end_and_no_longer(b):
    b.control("open", seconds=30)
    b.after(30 * SECOND - 1)
    assert b.acquire().skipped == (breaker.Skipped("alpha", "forced-open", (b.now + 1) / 1000),)
    b.after(1)
    assert b.acquire().kind == "next"


def test_an_override_without_end_holds(b):
    b.control("open")
    b.after(10 * DAY * SECOND)
    assert b.acquire().wait is None


def test_a_breaker_forced_closed_admits_whatever_its_state_without_a_half_open_permit(b):
    b.trip()
    b.control("closed")
    assert [b.permit().half_open_id for _ in range(3)] == ["", "", ""]


def test_a_breaker_forced_open_for_a_while_goes_on_in_the_state_it_had(b):
    b.trip()
    until = b.fields()["open_until"]
    b.control("open", seconds=1)
    b.after(SECOND)
    assert b.acquire().skipped == (breaker.Skipped("alpha", "open", until / 1000),)


def test_a_reset_forgets_everything_but_that_older_results_are_old(b):
    permit = b.permit()
    b.trip()
    b.reopen()
    old = b.fields()["generation"]
    b.control("reset")
    (found,) = breaker.snapshot(b.store, ["alpha"])
    assert found.generation > old
    assert (found.state, found.opens, found.count, found.failed, found.consecutive_failures, found.limited_until) == (
        "closed", 0, 0, 0, 0, 0,
    )  # fmt: skip
    b.record(breaker.Attempted(permit, "failure", 1))
    assert b.fields()["count"] == 0
    assert not b.server.exists(b.key() + ":window")
