"""Consecutive failures: what extends them, what ends them, what leaves them alone."""

import pytest

from config.breaker import Breaker
from tests.worker.admission.clocked_breaker import NO_DETECTORS, ClockedBreaker, attempted


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis, NO_DETECTORS)


def state(b):
    return b.fields()["state"]


@pytest.mark.parametrize("threshold", [2, 5, 20])
def test_it_opens_at_the_threshold_and_not_one_failure_before(every_redis, threshold):
    b = ClockedBreaker(every_redis, Breaker(failure_threshold=threshold))
    b.fail(threshold - 1)
    assert state(b) == "closed"
    b.fail(tasks=("last",))
    assert state(b) == "open"


def test_one_request_alone_never_opens_it_and_the_next_one_that_fails_does(b):
    b.fail(40, tasks=("bad prompt",))
    assert state(b) == "closed"
    b.fail(1, tasks=("another",))
    assert state(b) == "open"


def test_a_success_between_them_begins_the_count_of_requests_anew(b):
    b.fail(1, tasks=("one",))
    b.call("success")
    b.fail(9, tasks=("two",))
    assert state(b) == "closed"


def test_a_success_ends_the_consecutive_failures(b):
    b.fail(4)
    b.call("success")
    b.fail(4)
    assert state(b) == "closed"
    b.fail()
    assert state(b) == "open"


@pytest.mark.parametrize("outcome", ["ignored", "rate-limited", "authentication"])
def test_an_outcome_that_is_no_failure_neither_extends_nor_ends_the_consecutive_failures(b, outcome):
    b.fail(4)
    permit = b.permit()
    for _ in range(10):
        b.record(attempted(permit, outcome))
    assert (state(b), b.fields()["consecutive_failures"]) == ("closed", 4)
    b.record(attempted(permit, "failure"))
    assert state(b) == "open"


def test_the_last_error_is_of_the_last_attempt_that_says_something_about_the_provider(b):
    for outcome in ("failure", "rate-limited", "success", "ignored"):
        b.call(outcome)
    assert b.fields()["error"] == "said rate-limited"


def test_ignored_outcomes_close_nothing(b):
    b.trip()
    b.at(b.fields()["open_until"])
    for _ in range(10):
        b.call("ignored")
    assert (state(b), b.fields()["half_open_successes"]) == ("half-open", 0)


def test_failures_while_forced_closed_are_counted_and_open_it_with_the_first_one_after(b):
    b.control("closed", seconds=60)
    b.fail(9)
    assert state(b) == "closed"
    b.after(60_000)
    b.fail()
    assert state(b) == "open"


def test_calls_that_were_in_flight_at_the_trip_open_it_no_second_time(b):
    permits = [b.permit() for _ in range(9)]
    for i, permit in enumerate(permits):
        b.record(attempted(permit, "failure"), task=f"task {i}")
    fields = b.fields()
    assert (fields["opens"], fields["count"], fields["failed"]) == (1, 5, 5)
    assert b.changes() == ["circuit-breaker-open"]
