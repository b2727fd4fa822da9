"""The long baseline: what it takes for usual, when a slowness begins and ends, its events."""

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import HOUR, MINUTE, SECOND, ClockedBreaker, attempted
from worker.admission import breaker

DAY = 24 * HOUR
FIGURES = {"usual_mean", "usual_age", "usual_at", "slow_since"}


def watching(server, latency="observe"):
    return ClockedBreaker(server, Breaker(adaptive=Adaptive(failures="off", latency=latency)))


@pytest.fixture
def b(every_redis):
    return watching(every_redis)


def play(b, first_tokens, outcome="success"):
    permit = b.permit()
    b.record_all(attempted(permit, outcome, first_token=ms) for ms in first_tokens)


def learn(b, ms=300, *, minutes=11, every=MINUTE):
    """Plays enough first tokens for both baselines."""
    play(b, [ms] * 49)
    for _ in range(minutes):
        play(b, [ms])
        b.after(every)
    return b


def turns(b):
    return [event for event in b.events() if event["type"].startswith("slow-")]


def is_slow(b):
    return b.fields()["slow_since"] > 0


def test_three_times_slower_is_an_event_once_and_stays_so_while_the_detector_takes_it_for_usual(b):
    learn(b)
    play(b, [900] * 400)
    (event,) = turns(b)
    assert (event["type"], event["provider"], event["usual_ms"][:3]) == ("slow-began", "alpha", "300")
    assert 600 <= float(event["first_token_ms"]) < 700
    b.after(2 * HOUR)
    play(b, [900] * 100)
    assert len(turns(b)) == 1
    assert is_slow(b)


def test_the_snapshot_tells_the_median_the_usual_one_and_since_when(b):
    learn(b)
    began = b.now
    play(b, [900] * 400)
    b.after(HOUR)
    play(b, [900])
    (found,) = breaker.snapshot(b.store, ["alpha"])
    assert (round(found.latency_mean, 2), round(found.usual_mean, 2), found.slow_since) == (0.9, 0.3, began / 1000)


def test_first_tokens_as_usual_again_end_it_with_an_event(b):
    learn(b)
    began = b.now
    play(b, [900] * 400)
    b.after(HOUR)
    play(b, [300] * 200)
    event = turns(b)[-1]
    assert (event["type"], event["cause"], event["since_ms"]) == ("slow-ended", "recovered", str(began))
    assert 400 < float(event["first_token_ms"]) < 450
    assert not is_slow(b)


def test_what_lasts_for_a_day_is_usual_from_then_on(b):
    learn(b)
    play(b, [900] * 400)
    b.after(DAY - 1)
    play(b, [900])
    assert is_slow(b)
    b.after(1)
    play(b, [900])
    assert (turns(b)[-1]["type"], turns(b)[-1]["cause"]) == ("slow-ended", "usual-now")
    play(b, [900] * 50)
    assert len(turns(b)) == 2


@pytest.mark.parametrize("now", [400, 580, 150])
def test_less_than_twice_the_usual_is_not_slow(b, now):
    learn(b)
    play(b, [now] * 400)
    assert turns(b) == []


def test_nothing_is_slow_before_ten_minutes_were_learned(b):
    learn(b, minutes=8)
    play(b, [900] * 400)
    assert turns(b) == []


def test_minutes_without_a_call_are_not_learned_time(b):
    learn(b, minutes=3, every=HOUR)
    assert b.fields()["usual_age"] == 3 * MINUTE


def test_a_busy_second_weighs_no_more_than_a_quiet_one(b):
    learn(b, minutes=20)
    play(b, [450] * 400)
    usual = b.fields()["usual_mean"]
    b.after(10 * SECOND)
    play(b, [450] * 400)
    assert 0 < b.fields()["usual_mean"] - usual < 10_000


def test_the_usual_follows_what_changes_over_hours_without_an_event(b):
    learn(b)
    for ms in range(310, 1000, 10):
        for _ in range(10):
            b.after(MINUTE)
            play(b, [ms] * 20)
    assert turns(b) == []


@pytest.mark.parametrize(("first_token", "outcome"), [(0, "success"), (9000, "failure"), (9000, "ignored")])
def test_what_is_no_first_token_of_an_answer_teaches_it_nothing(b, first_token, outcome):
    learn(b)
    before = b.fields()
    play(b, [first_token] * 4, outcome)
    assert {name: b.fields()[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def test_switched_off_it_learns_nothing_and_forgets_that_it_was_slow(every_redis):
    b = learn(watching(every_redis))
    play(b, [900] * 400)
    assert is_slow(b)
    off = watching(every_redis, "off")
    off.server.set("{fallback}:2:clock", b.now)
    play(off, [900])
    assert not is_slow(off)
