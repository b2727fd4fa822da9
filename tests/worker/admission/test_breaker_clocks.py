"""A server's clock that goes back: after a failover, or when it is set right."""

import pytest

from tests.worker.admission.clocked_breaker import HOUR, MINUTE, PERMIT_MS, T0, ClockedBreaker, attempted
from worker.admission import breaker


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def test_the_time_that_a_breaker_has_known_stands(b):
    permit = b.permit()
    b.after(HOUR)
    b.record(attempted(permit, "success"))
    b.at(T0)
    b.record(attempted(permit, "failure"))
    assert b.fields()["seen"] == b.fields()["error_at"] == T0 + HOUR


def test_a_cooldown_is_counted_from_the_latest_time_known(b):
    b.call("success")
    b.after(HOUR)
    b.call("success")
    b.at(T0)
    b.trip()
    assert b.fields()["open_until"] >= T0 + HOUR + MINUTE


def test_the_generation_rises_while_the_clock_runs_back(b):
    generations = []
    for back in range(5):
        b.at(T0 - back * HOUR)
        b.trip()
        generations.append(b.fields()["generation"])
        b.control("reset")
        generations.append(b.fields()["generation"])
    assert generations == sorted(set(generations))


def test_a_permit_that_ran_out_stays_so(b):
    b.trip()
    b.at(b.fields()["open_until"])
    late, began = b.permit(), b.now
    b.after(PERMIT_MS)
    b.permit()
    b.at(began)
    assert b.reply(attempted(late, "success"))[0] == 0
    assert not breaker.extend(b.store, late, 120)


def test_a_permit_granted_is_counted_from_the_latest_time_known(b):
    b.trip()
    b.at(b.fields()["open_until"])
    b.call("success")
    b.after(HOUR)
    b.permit()
    granted = b.now
    b.at(T0)
    assert b.fields()["seen"] == granted
    assert list(b.permits().values()) == [granted + PERMIT_MS]


def test_an_override_that_ended_does_not_come_back(b):
    permit = b.permit()
    b.control("open", seconds=60)
    b.after(MINUTE)
    b.record(attempted(permit, "success"))
    b.at(T0)
    assert b.acquire().kind == "next"


def test_a_wait_is_never_negative(b):
    b.trip()
    b.at(b.fields()["open_until"] + MINUTE)
    b.call("ignored")
    b.permit()
    assert b.acquire().wait == 1.0
