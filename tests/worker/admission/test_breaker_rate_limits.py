"""Retry-After: merged by maximum, bounded, obeyed before everything but an operator."""

import pytest

from tests.worker.admission.clocked_breaker import HOUR, MINUTE, SECOND, T0, ClockedBreaker, attempted
from worker.admission.breaker import Permit


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def limited_until(b):
    return b.fields()["limited_until"] - T0


def limit(b, permit, ms):
    b.record(attempted(permit, "rate-limited", retry_after=ms))


def test_the_latest_retry_after_stands_whatever_their_order(b):
    permit = b.permit()
    for ms, stands in [(20, 20), (10, 20), (30, 30), (0, 30), (29, 30)]:
        limit(b, permit, ms * SECOND)
        assert limited_until(b) == stands * SECOND


def test_a_retry_after_counts_for_an_hour_at_most(b):
    limit(b, b.permit(), 24 * HOUR)
    assert limited_until(b) == HOUR


def test_a_retry_after_counts_under_an_old_generation_and_its_outcome_does_not(b):
    permit = b.permit()
    b.trip()
    before = b.fields()
    reply = b.reply(attempted(permit, "failure", retry_after=2 * HOUR))
    assert reply[0] == 0
    assert b.fields() == before | {"limited_until": T0 + HOUR}


def test_a_retry_after_on_a_missing_key_is_all_that_is_kept(b):
    reply = b.reply(attempted(Permit("alpha", T0 - MINUTE), "failure", retry_after=24 * HOUR))
    fields = b.fields()
    assert reply[0] == 0
    assert limited_until(b) == HOUR
    assert (fields["state"], fields["consecutive_failures"], fields["count"]) == ("closed", 0, 0)


def test_nothing_is_admitted_before_it_and_something_at_it(b):
    limit(b, b.permit(), MINUTE)
    b.at(T0 + MINUTE - 1)
    refused = b.acquire()
    assert [(o.reason, o.until) for o in refused.skipped] == [("rate-limited", (T0 + MINUTE) / 1000)]
    b.at(T0 + MINUTE)
    assert b.acquire().kind == "next"


def test_a_half_open_permit_waits_for_it_too(b):
    b.trip()
    b.at(b.fields()["open_until"])
    b.call("rate-limited", retry_after=MINUTE)
    assert b.acquire().skipped[0].reason == "rate-limited"
    b.after(MINUTE)
    assert b.permit().half_open_id


def test_an_operator_who_forces_it_closed_overrules_it(b):
    limit(b, b.permit(), MINUTE)
    b.control("closed")
    assert b.acquire().kind == "next"


def test_an_overloaded_provider_fails_and_is_limited(b):
    b.call("failure", retry_after=MINUTE)
    assert b.fields()["consecutive_failures"] == 1
    assert limited_until(b) == MINUTE
