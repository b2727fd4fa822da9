"""What a record answers: the same provider again, the next one with its permit, none, or a lost lease."""

import pytest

from tests.worker.admission.clocked_breaker import CHAIN, MINUTE, SECOND, T0, ClockedBreaker, attempted
from worker.admission import breaker
from worker.admission.breaker import Skipped
from worker.task import lease

REST = CHAIN[1:]


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def half_open(b, name):
    """Lets `name` be half-open with no permit granted."""
    b.trip(name)
    b.at(b.fields(name)["open_until"])
    b.call("ignored", name=name)


def permits(b, name):
    return b.server.zcard(b.key(name) + ":permits")


def writes(b):
    """Returns the writing commands that the server has executed."""
    stats = b.server.info("commandstats")
    kinds = ("hset", "expire", "persist", "zadd", "zrem", "zremrangebyscore", "xadd", "setrange", "del")
    return {kind: stats[f"cmdstat_{kind}"]["calls"] for kind in kinds if f"cmdstat_{kind}" in stats}


def test_asking_a_chain_whose_first_breaker_is_closed_writes_nothing(b):
    b.acquire(*CHAIN)
    before = writes(b)
    for _ in range(10):
        assert b.acquire(*CHAIN).permit.provider == "alpha"
    assert writes(b) == before


def test_asking_where_nobody_admits_writes_nothing(b):
    for name in CHAIN:
        b.trip(name)
    before = writes(b)
    assert b.acquire(*CHAIN).kind == "none"
    assert writes(b) == before


def test_the_first_that_admits_is_next_and_those_before_it_say_why_not(b):
    b.trip("alpha")
    b.call("rate-limited", name="beta", retry_after=MINUTE)
    decision = b.acquire(*CHAIN)
    assert (decision.kind, decision.permit.provider, decision.wait) == ("next", "gamma", None)
    assert decision.skipped == (
        Skipped("alpha", "open", b.fields("alpha")["open_until"] / 1000),
        Skipped("beta", "rate-limited", (T0 + MINUTE) / 1000),
    )


def test_where_none_admits_the_wait_is_the_shortest_of_those_known(b):
    b.call("authentication", name="alpha")
    b.call("rate-limited", name="beta", retry_after=30 * SECOND)
    b.trip("gamma")
    decision = b.acquire(*CHAIN)
    assert (decision.kind, decision.wait) == ("none", 30.0)
    assert [over.reason for over in decision.skipped] == ["authentication", "rate-limited", "open"]
    assert decision.skipped[0].until is None


def test_where_no_time_is_known_there_is_no_wait(b):
    b.call("authentication")
    assert b.acquire().wait is None


def test_an_empty_chain_admits_nothing(b):
    asked = breaker.acquire(b.store, "task", "", "permit", [])
    assert breaker.parse_acquire_reply(b.store.run(asked)[0], "permit", []).kind == "none"


def test_a_planned_retry_on_a_closed_breaker_is_made_and_takes_no_permit_elsewhere(b):
    half_open(b, "beta")
    before = len(b.changes())
    decision = b.record(attempted(b.permit(), "failure", countdown=SECOND), *REST)
    assert (decision.kind, decision.permit) == ("retry", None)
    assert (permits(b, "beta"), b.changes()[before:]) == (0, [])


def test_a_retry_is_made_where_the_rate_limit_ends_by_then(b):
    attempt = attempted(b.permit(), "rate-limited", retry_after=SECOND, countdown=SECOND)
    assert b.record(attempt, *REST).kind == "retry"


def test_no_retry_is_made_where_the_rate_limit_ends_later(b):
    attempt = attempted(b.permit(), "rate-limited", retry_after=SECOND + 1, countdown=SECOND)
    assert b.record(attempt, *REST).permit.provider == "beta"


def test_no_retry_is_made_on_a_breaker_that_another_request_opened(b):
    permit = b.permit()
    b.trip()
    assert b.record(attempted(permit, "failure", countdown=SECOND), *REST).permit.provider == "beta"


def test_an_attempt_that_opened_the_breaker_fails_over_at_once_however_long_its_countdown(b):
    b.fail(4)
    decision = b.record(attempted(b.permit(), "failure", countdown=10 * MINUTE), *REST)
    assert (decision.kind, decision.permit.provider, decision.change) == ("next", "beta", "open")


def test_without_a_planned_retry_the_next_provider_is_acquired_in_the_same_call(b):
    half_open(b, "beta")
    decision = b.record(attempted(b.permit(), "failure"), *REST)
    assert (decision.permit.provider, permits(b, "beta")) == ("beta", 1)
    assert decision.permit.half_open_id in dict(b.server.zrange(b.key("beta") + ":permits", 0, -1, withscores=True))


def test_with_no_provider_left_there_is_none_and_no_time(b):
    decision = b.record(attempted(b.permit(), "failure"))
    assert (decision.kind, decision.wait, decision.skipped) == ("none", None, ())


@pytest.mark.parametrize("holder", ["another", None])
def test_who_lost_the_task_s_lease_gets_no_permit_while_its_outcome_counts(b, holder):
    half_open(b, "beta")
    if holder:
        b.store.run(lease.begin(b.store, "task", holder, 0))
    decision = b.record(attempted(b.permit(), "failure", countdown=SECOND), *REST, lease_id="mine")
    assert (decision.kind, decision.permit, permits(b, "beta")) == ("lease-lost", None, 0)
    assert b.fields()["consecutive_failures"] == 1


def test_a_permit_is_for_the_holder_of_the_task_alone(b):
    half_open(b, "alpha")
    b.store.run(lease.begin(b.store, "task", "mine", 0))
    assert b.acquire("alpha", lease_id="another").kind == "lease-lost"
    assert permits(b, "alpha") == 0
    assert b.acquire("alpha", lease_id="mine").kind == "next"


def test_a_missing_key_is_closed_and_asking_writes_its_first_generation(b):
    decision = b.acquire("beta")
    assert decision.permit == breaker.Permit("beta", T0)
    assert (b.fields("beta")["state"], b.fields("beta")["generation"]) == ("closed", T0)


def test_a_result_from_before_the_keys_were_lost_is_dropped(b):
    permit = b.permit()
    b.server.flushall()
    b.at(T0 + 1)
    b.record(attempted(permit, "failure"))
    assert b.fields() == {}
    b.permit()
    b.record(attempted(permit, "failure"))
    assert (b.fields()["consecutive_failures"], b.fields()["count"]) == (0, 0)
