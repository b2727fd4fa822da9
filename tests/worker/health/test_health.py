"""What the providers' health says, on real servers, with the time set by the test."""

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import MINUTE, NO_DETECTORS, SECOND, ClockedBreaker, attempted
from worker.health.health import health, percentile


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis, NO_DETECTORS)


def look(b):
    [found] = health(b.store, ["alpha"])
    return found


def status_of(b):
    found = look(b).breaker
    return found.status, found.cause


def succeed(b, *latencies):
    """Records a success for each latency in ms."""
    permit = b.permit()
    for latency in latencies:
        b.record(attempted(permit, "success", latency=latency))


def health_events(b):
    """Returns the events about health: type and cause."""
    kinds = ("provider-unhealthy", "provider-recovered")
    return [(event["type"], event["cause"]) for event in b.events() if event["type"] in kinds]


def test_of_a_provider_never_asked_nothing_is_known(b):
    found = look(b)
    assert (found.success_rate, found.response, found.availability, found.probes) == (None, None, None, 0)
    assert status_of(b) == ("unknown", "")


def test_each_provider_has_its_own_health(b):
    b.call("success", name="beta")
    b.fail(2, name="alpha")
    rates = [(found.breaker.provider, found.success_rate) for found in health(b.store, ["beta", "gamma", "alpha"])]
    assert rates == [("beta", 1.0), ("gamma", None), ("alpha", 0.0)]


def test_the_success_rate_is_that_of_the_last_100_calls(b):
    succeed(b, *[10] * 3)
    b.fail()
    assert look(b).success_rate == 0.75
    succeed(b, *[10] * 99)
    assert look(b).success_rate == 0.99
    succeed(b, 10)
    assert look(b).success_rate == 1.0


def test_response_times_are_those_of_the_successes(b):
    permit = b.permit()
    for latency in range(200, 0, -10):
        b.record(attempted(permit, "success", latency=latency))
        b.record(attempted(permit, "failure", latency=60_000))
    found = look(b).response
    assert (found.mean, found.p50, found.p95, found.p99) == pytest.approx((0.105, 0.100, 0.190, 0.200))


def test_response_times_are_those_of_the_last_100_calls(b):
    succeed(b, *[70_000] * 100)
    assert look(b).response.mean == 70.0
    succeed(b, *[10] * 99)
    assert (look(b).response.p50, look(b).response.p99) == (0.01, 0.01)
    assert look(b).response.mean == pytest.approx(0.7099)


def test_failures_alone_have_no_response_time(b):
    b.fail(2)
    assert (look(b).success_rate, look(b).response) == (0.0, None)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        ([float(i) for i in range(1, 101)], 0.95, 95.0),
        ([float(i) for i in range(1, 101)], 0.99, 99.0),
        ([float(i) for i in range(1, 101)], 1.0, 100.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, share, expected):
    assert percentile(values, share) == expected


def test_availability_is_that_of_the_last_100_probes(b):
    for _ in range(100):
        b.probe(answered=False, authenticated=False)
    assert (look(b).availability, look(b).probes) == (0.0, 100)
    for _ in range(30):
        b.probe()
    assert (look(b).availability, look(b).probes) == (0.3, 100)


def test_a_refused_key_is_available(b):
    b.probe(authenticated=False)
    assert look(b).availability == 1.0


def test_consecutive_counts_and_the_last_error_are_reported(b):
    succeed(b, 10, 10)
    b.after(MINUTE)
    b.fail(3)
    found = look(b).breaker
    assert (found.consecutive_successes, found.consecutive_failures, found.error) == (0, 3, "said failure")
    assert found.error_at == b.now / 1000
    b.after(MINUTE)
    b.call("success")
    found = look(b).breaker
    assert (found.consecutive_successes, found.consecutive_failures, found.error) == (1, 0, "said failure")
    assert found.now - found.error_at == 60


def fail_probes(b, times):
    for _ in range(times):
        b.probe(answered=False, authenticated=False)


def limited(b):
    b.call("rate-limited", retry_after=MINUTE)


def half_open(b):
    b.trip()
    b.at(b.fields()["open_until"])
    b.permit()


def failing(b, failures, of):
    for i in range(of):
        b.call("failure" if i < failures else "success", task=f"task {i}")


@pytest.mark.parametrize(
    ("arrange", "expected"),
    [
        (lambda b: b.call("success"), ("healthy", "")),
        (lambda b: b.call("authentication"), ("unhealthy", "authentication")),
        (lambda b: b.trip(), ("unhealthy", "circuit-breaker")),
        (half_open, ("unhealthy", "circuit-breaker")),
        (lambda b: b.call("quota"), ("unhealthy", "circuit-breaker")),
        (lambda b: fail_probes(b, 2), ("degraded", "probes")),
        (lambda b: fail_probes(b, 3), ("unhealthy", "probes")),
        (limited, ("degraded", "rate-limited")),
        (lambda b: failing(b, 2, of=10), ("degraded", "failures")),
        (lambda b: failing(b, 1, of=10), ("healthy", "")),
        (lambda b: failing(b, 4, of=9), ("healthy", "")),
    ],
)
def test_the_status_has_its_cause(b, arrange, expected):
    arrange(b)
    assert status_of(b) == expected


def test_a_deprioritised_provider_is_degraded_for_its_latency_until_that_ends(every_redis):
    b = ClockedBreaker(every_redis, Breaker(adaptive=Adaptive(failures="off", latency="on")))
    permit = b.permit()
    for _ in range(50):
        b.record(attempted(permit, "success", first_token=100))
    while not b.fields()["deprioritised_until"]:
        b.record(attempted(permit, "success", first_token=5_000))
    assert status_of(b) == ("degraded", "latency")
    b.at(b.fields()["deprioritised_until"])
    assert status_of(b) == ("healthy", "")


def test_a_rate_limit_ends_with_its_time(b):
    limited(b)
    b.after(MINUTE - 1)
    assert status_of(b) == ("degraded", "rate-limited")
    b.after(1)
    assert status_of(b) == ("healthy", "")


def test_the_most_severe_cause_is_shown(b):
    failing(b, 2, of=10)
    limited(b)
    assert status_of(b) == ("degraded", "rate-limited")
    fail_probes(b, 1)
    assert status_of(b) == ("degraded", "probes")
    fail_probes(b, 2)
    assert status_of(b) == ("unhealthy", "probes")
    b.after(MINUTE)
    b.trip()
    assert status_of(b) == ("unhealthy", "circuit-breaker")


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [("failure", "circuit-breaker"), ("quota", "circuit-breaker"), ("authentication", "authentication")],
)
def test_what_makes_a_provider_unhealthy_is_one_event_though_8_calls_record_it(b, outcome, cause):
    permits = [b.permit() for _ in range(8)]
    for i, permit in enumerate(permits):
        b.record(attempted(permit, outcome), task=f"task {i}")
    assert health_events(b) == [("provider-unhealthy", cause)]


def test_a_provider_that_stays_unhealthy_is_no_second_event(b):
    fail_probes(b, 8)
    b.trip()
    b.reopen()
    assert health_events(b) == [("provider-unhealthy", "probes")]


def test_a_recovery_is_one_event(b):
    b.trip()
    b.at(b.fields()["open_until"])
    for _ in range(8):
        b.call("success")
    assert health_events(b) == [("provider-unhealthy", "circuit-breaker"), ("provider-recovered", "")]


def test_an_answered_probe_is_a_recovery_from_probes_alone(b):
    fail_probes(b, 3)
    for _ in range(8):
        b.probe()
    assert health_events(b) == [("provider-unhealthy", "probes"), ("provider-recovered", "")]
    b.trip()
    b.probe()
    assert health_events(b)[2:] == [("provider-unhealthy", "circuit-breaker")]


def test_a_reset_is_a_recovery(b):
    b.call("authentication")
    b.control("reset")
    b.control("reset")
    assert health_events(b) == [("provider-unhealthy", "authentication"), ("provider-recovered", "")]


def test_a_degraded_provider_is_no_event(b):
    limited(b)
    fail_probes(b, 2)
    b.after(MINUTE + SECOND)
    b.probe()
    failing(b, 2, of=20)
    assert health_events(b) == []
