"""The detector of a raised failure rate: what it finds, what it must not, its events."""

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import T0, ClockedBreaker, attempted

MILLION = 1_000_000
FIGURES = {"failure_sum", "failure_base", "sum_first", "sum_several"}
OFTEN = "FFFFS"
"""Four failures and a success: no five in a row however often it is repeated."""


def detecting(server, failures, **settings):
    return ClockedBreaker(server, Breaker(adaptive=Adaptive(failures=failures, latency="off"), **settings))


@pytest.fixture
def on(every_redis):
    return detecting(every_redis, "on")


@pytest.fixture
def observing(every_redis):
    return detecting(every_redis, "observe")


def play(b, outcomes, *, request="", name="alpha"):
    """Records failures (F) and successes (S) of one permit, each of a request of its own unless one is named."""
    permit = b.permit(name)
    words = ("failure" if outcome == "F" else "success" for outcome in outcomes)
    b.record_all((attempted(permit, word) for word in words), task=request)


def state(b, name="alpha"):
    return b.fields(name)["state"]


def of_kind(b, kind):
    return [event for event in b.events() if event["type"] == kind]


def test_four_failures_and_a_success_repeated_open_it_in_the_second_round(on):
    play(on, OFTEN)
    assert state(on) == "closed"
    play(on, "F")
    assert state(on) == "open"


def test_without_it_800_calls_of_which_four_in_five_fail_all_pass(every_redis):
    b = detecting(every_redis, "off")
    play(b, OFTEN * 160)
    assert (state(b), b.fields()["failed"], b.fields()["count"]) == ("closed", 80, 100)


@pytest.mark.parametrize("before", ["", "S" * 300])
@pytest.mark.parametrize("threshold", [5, 8])
def test_from_health_the_failure_that_reaches_the_threshold_is_the_first_that_can_open_it(
    every_redis, threshold, before
):
    b = detecting(every_redis, "on", failure_threshold=threshold)
    play(b, before + "FS" * (threshold - 1))
    assert state(b) == "closed"
    play(b, "F")
    assert state(b) == "open"


def test_a_threshold_of_one_is_reached_by_the_first_failure_that_a_second_request_has(every_redis):
    b = detecting(every_redis, "on", failure_threshold=1)
    play(b, "F", request="one")
    assert state(b) == "closed"
    play(b, "F", request="two")
    assert state(b) == "open"


def test_failures_that_the_window_has_forgotten_do_not_count(on):
    play(on, "FFFF" + "S" * 100 + "FSFSFSF")
    assert (state(on), on.fields()["failed"]) == ("closed", 4)


def test_failures_of_one_request_never_open_it_however_many_and_the_next_one_of_another_does(on):
    play(on, "FS" * 200, request="bad prompt")
    assert state(on) == "closed"
    play(on, "F", request="another")
    assert state(on) == "open"


def test_failures_of_others_before_the_sum_was_last_zero_do_not_count(on):
    play(on, "FSF" + "S" * 100)
    assert on.fields()["failure_sum"] == 0
    play(on, "FS" * 100, request="bad prompt")
    assert state(on) == "closed"


def test_an_opening_names_the_rule_and_its_figures(on):
    play(on, "FSFSFSFSF")
    (event,) = of_kind(on, "circuit-breaker-open")
    assert {name: event[name] for name in ("at_ms", "cause", "failures", "limit", "window_failed", "window_count")} == {
        "at_ms": str(T0),
        "cause": "failure-rate",
        "failures": "1",
        "limit": "7",
        "window_failed": "5",
        "window_count": "9",
    }
    assert 7 < float(event["sum"]) < 10
    assert 0.01 < float(event["baseline"]) < 0.1


def test_five_in_a_row_are_named_before_it(on):
    play(on, "FFFFF")
    assert [event["cause"] for event in of_kind(on, "circuit-breaker-open")] == ["consecutive-failures"]


def test_observing_tells_that_it_would_open_with_the_same_figures_once(observing):
    play(observing, "FSFSFSFSFS")
    (event,) = of_kind(observing, "circuit-breaker-would-open")
    assert event.keys() == {
        "type",
        "provider",
        "at_ms",
        "cause",
        "sum",
        "limit",
        "baseline",
        "window_failed",
        "window_count",
    }
    assert (event["cause"], event["window_failed"], event["window_count"]) == ("failure-rate", "5", "9")


def test_observing_changes_nothing_that_is_not_the_detector_s_own(every_redis):
    def life(choice):
        every_redis.flushall()
        b = detecting(every_redis, choice)
        play(b, OFTEN * 8)
        fields = {k: v for k, v in b.fields().items() if k not in FIGURES | {"settings"}}
        return fields, [event for event in b.events() if event["type"] != "circuit-breaker-would-open"]

    assert life("observe") == life("off")


def test_switched_off_it_keeps_no_figures(every_redis):
    b = detecting(every_redis, "off")
    play(b, OFTEN * 8)
    assert FIGURES.isdisjoint(every_redis.hkeys(b.key()))


@pytest.mark.parametrize(("outcomes", "learned"), [("F" * 200, 0.25), ("F" * 200 + "S" * 1700, 0.01), ("S", 0.01)])
def test_the_baseline_stays_within_a_hundredth_and_a_quarter(observing, outcomes, learned):
    play(observing, outcomes, request="one")
    assert observing.fields()["failure_base"] == learned * MILLION


def test_a_provider_that_always_fails_one_call_in_seven_stays_closed_once_that_is_its_baseline(observing):
    play(observing, "FSSSSSS" * 100)
    before = len(of_kind(observing, "circuit-breaker-would-open"))
    play(observing, "FSSSSSS" * 200)
    assert len(of_kind(observing, "circuit-breaker-would-open")) == before


def test_after_an_opening_the_sum_starts_at_zero_and_the_baseline_stays(on):
    play(on, "FSF")
    assert on.fields()["failure_sum"] > 0
    base = on.fields()["failure_base"]
    on.call("quota")
    on.at(on.fields()["open_until"])
    on.call("success")
    on.call("success")
    fields = on.fields()
    assert (fields["state"], fields["failure_sum"], fields["sum_first"], fields["sum_several"]) == ("closed", 0, "", 0)
    assert fields["failure_base"] == base


def test_after_an_alarm_it_needs_as_much_again(observing):
    play(observing, "FSFSFSFSF")
    assert observing.fields()["failure_sum"] == 0
    play(observing, "FSFS")
    assert len(of_kind(observing, "circuit-breaker-would-open")) == 1
    play(observing, "FS" * 12)
    assert len(of_kind(observing, "circuit-breaker-would-open")) == 2


@pytest.mark.parametrize("outcome", ["ignored", "rate-limited", "authentication"])
def test_an_outcome_that_is_no_failure_moves_no_figure(on, outcome):
    play(on, "FSF")
    before = on.fields()
    on.record(attempted(on.permit(), outcome))
    assert {name: on.fields()[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def test_a_provider_s_own_settings_decide(every_redis):
    own = {"beta": Breaker(adaptive=Adaptive(failures="off"))}
    b = ClockedBreaker(every_redis, Breaker(), own)
    for name in ("alpha", "beta"):
        play(b, OFTEN + "F", name=name)
    assert (state(b, "alpha"), state(b, "beta")) == ("open", "closed")
