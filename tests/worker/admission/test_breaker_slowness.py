"""The detector of slowness: whom it deprioritises and for how long, what teaches it, its events."""

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import SECOND, T0, ClockedBreaker, attempted

DEPRIORITISED_FOR = 15 * SECOND
USUAL = [380, 420] * 30
SLOW = [1200] * 5
FIGURES = {"latency_sum", "latency_mean", "latency_variance", "latency_count"}


def detecting(server, latency):
    return ClockedBreaker(server, Breaker(adaptive=Adaptive(failures="off", latency=latency)))


@pytest.fixture
def on(every_redis):
    return detecting(every_redis, "on")


def play(b, first_tokens, *, outcome="success", name="alpha"):
    """Records answers with these times to first token in ms."""
    permit = b.permit(name)
    b.record_all(attempted(permit, outcome, first_token=ms) for ms in first_tokens)


def slowed(b, name="alpha"):
    play(b, USUAL + SLOW, name=name)
    return b


def kinds(b):
    return [event["type"] for event in b.events()]


def deprioritised(b):
    return b.fields()["deprioritised_until"] > 0


def test_three_times_slower_is_deprioritised_for_15_seconds_with_an_event(on):
    slowed(on)
    (event,) = on.events()
    assert (event["type"], event["until_ms"]) == ("provider-deprioritised", str(T0 + DEPRIORITISED_FOR))
    assert on.fields()["deprioritised_until"] == T0 + DEPRIORITISED_FOR


def test_the_next_provider_comes_before_a_deprioritised_one_until_the_time_is_over(on):
    slowed(on)
    decision = on.acquire("alpha", "beta")
    assert (decision.permit.provider, decision.skipped[0].reason) == ("beta", "deprioritised")
    on.after(DEPRIORITISED_FOR - 1)
    assert on.acquire("alpha", "beta").permit.provider == "beta"
    on.after(1)
    assert on.acquire("alpha", "beta").permit.provider == "alpha"


def test_a_deprioritised_provider_is_asked_where_it_is_alone(on):
    assert slowed(on).acquire("alpha").permit.provider == "alpha"


def test_a_deprioritised_provider_is_asked_where_all_others_refuse(on):
    for name in ("beta", "gamma"):
        on.trip(name)
    assert slowed(on).acquire("alpha", "beta", "gamma").permit.provider == "alpha"


def test_of_two_deprioritised_providers_the_first_is_asked(on):
    for name in ("alpha", "beta"):
        slowed(on, name)
    assert on.acquire("alpha", "beta").permit.provider == "alpha"


def test_it_opens_no_breaker(on):
    play(slowed(on), SLOW * 20)
    assert on.fields()["state"] == "closed"


def test_the_event_has_its_figures(on):
    event = slowed(on).events()[0]
    assert (event["limit"], event["first_token_ms"]) == ("6", "1200")
    assert float(event["sum"]) > 6
    assert 390 < float(event["usual_ms"]) < 450


def test_observing_only_tells(every_redis):
    b = slowed(detecting(every_redis, "observe"))
    assert kinds(b) == ["provider-would-be-deprioritised"]
    assert not deprioritised(b)
    assert b.acquire("alpha", "beta").permit.provider == "alpha"


def test_switched_off_it_keeps_no_figures(every_redis):
    b = slowed(detecting(every_redis, "off"))
    assert (kinds(b), FIGURES & set(every_redis.hkeys(b.key()))) == ([], set())


@pytest.mark.parametrize(
    ("first_tokens", "alarmed"),
    [
        ([*USUAL, 30_000], False),
        (USUAL + [1200] * 2, False),
        (USUAL + [1200] * 3, True),
        (USUAL + [130] * 40, False),
        (USUAL + [440, 420, 400] * 13, False),
        (USUAL + [30_000, *USUAL[:10]] * 5, False),
        ([400] * 25 + [4000] * 25, False),
        ([400] * 60 + [420] * 40, False),
        ([400] * 60 + [1200] * 3, True),
        ([1] * 60 + [3] * 3, True),
    ],
    ids=[
        "one outlier",
        "two slow ones",
        "three slow ones",
        "faster",
        "a little slower",
        "an outlier now and then",
        "slower while it learns",
        "a tenth more where there was no spread at all",
        "slower where there was no spread at all",
        "slower where a millisecond is usual",
    ],
)
def test_first_tokens_that_alarm_it_and_others(on, first_tokens, alarmed):
    play(on, first_tokens)
    assert deprioritised(on) is alarmed


@pytest.mark.parametrize(
    ("first_token", "outcome"), [(0, "success"), (9000, "failure"), (9000, "ignored"), (9000, "rate-limited")]
)
def test_what_is_no_first_token_of_an_answer_teaches_it_nothing(on, first_token, outcome):
    play(on, USUAL)
    before = on.fields()
    play(on, [first_token] * 4, outcome=outcome)
    assert {name: on.fields()[name] for name in FIGURES} == {name: before[name] for name in FIGURES}
    assert not deprioritised(on)


def test_it_takes_what_lasts_for_usual(on):
    play(on, USUAL + [1200] * 300)
    on.after(DEPRIORITISED_FOR)
    alarms = len(kinds(on))
    play(on, [1150, 1250] * 50)
    assert len(kinds(on)) == alarms


def test_a_provider_s_own_settings_decide(every_redis):
    own = {"beta": Breaker(adaptive=Adaptive(latency="on"))}
    b = ClockedBreaker(every_redis, Breaker(), own)
    for name in ("alpha", "beta"):
        slowed(b, name)
    assert [(event["type"], event["provider"]) for event in b.events()] == [
        ("provider-would-be-deprioritised", "alpha"),
        ("provider-deprioritised", "beta"),
    ]
