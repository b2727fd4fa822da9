"""When providers admit, asked without taking anything."""

import pytest

from config.limits import Limits
from tests.worker.admission.clocked_breaker import CHAIN, MINUTE, SECOND, ClockedBreaker, attempted
from worker.admission import breaker


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def limited(b):
    b.record(attempted(b.permit(), "rate-limited", retry_after=20 * SECOND))


def half_open(b):
    b.trip()
    b.at(int(b.fields()["open_until"]))
    b.permit()


def cooled_down(b):
    b.trip()
    b.at(int(b.fields()["open_until"]))


def deprioritised(b):
    b.permit()
    b.server.hset("{fallback}:2:breaker:alpha", "deprioritised_until", b.now + MINUTE)


STATES = {
    "never asked": (lambda b: None, 0.0),
    "closed": (lambda b: b.call("success"), 0.0),
    "open": (ClockedBreaker.trip, "open_until"),
    "cooled down": (cooled_down, 0.0),
    "half-open and busy": (half_open, 1.0),
    "rate limited": (limited, 20.0),
    "auth-locked": (lambda b: b.call("authentication"), None),
    "forced open for a minute": (lambda b: b.control("open", 60.0), 60.0),
    "forced open": (lambda b: b.control("open"), None),
    "forced closed": (lambda b: (b.trip(), b.control("closed")), 0.0),
    "deprioritised": (deprioritised, 0.0),
}


@pytest.mark.parametrize(("prepare", "wait"), STATES.values(), ids=STATES)
def test_a_provider_admits_when_a_permit_would_be_granted(b, prepare, wait):
    prepare(b)
    before = {key: b.server.dump(key) for key in b.server.keys("*")}
    found = breaker.admissions(b.store, [CHAIN[0], CHAIN[1]])
    assert {key: b.server.dump(key) for key in b.server.keys("*")} == before
    expected = (int(b.fields()[wait]) - b.now) / 1000 if isinstance(wait, str) else wait
    assert found == {CHAIN[0]: expected, CHAIN[1]: 0.0}
    decision = b.acquire()
    assert (decision.kind == "next") == (found[CHAIN[0]] == 0.0)
    assert decision.kind == "next" or decision.wait == expected


def test_a_provider_within_its_limits_admits_and_one_beyond_them_does_not_yet(every_redis):
    b = ClockedBreaker(every_redis, limits=Limits(requests_per_minute=1))
    assert breaker.admissions(b.store, [CHAIN[0]]) == {CHAIN[0]: 0.0}
    b.call("success")
    assert breaker.admissions(b.store, [CHAIN[0]])[CHAIN[0]] > 0
