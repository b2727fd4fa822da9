"""Where a completion stands and what follows, from its journal alone."""

import pytest

from config.chains import Retry
from config.outcomes import RULES, Outcome
from config.providers import Model
from config.retry import ProviderRetry
from tests.worker.admission.clocked_breaker import provider
from tests.worker.chain.routes import exhausted, failed, new_round, remaining, route, sized, step_after
from worker.chain.policy import UNKNOWN_WAIT, Round, after_exhaustion
from worker.chain.position import position
from worker.chain.route import Route
from worker.task.journal import SKIPPED, Entry, RoundStart

FAILOVERS = ("after-retries", "at-once")
RETRIED = (Outcome.TRANSIENT, Outcome.OVERLOADED, Outcome.RATE_LIMITED, Outcome.EMPTY, Outcome.NONCONFORMING)
FAILURES = [outcome for outcome in Outcome if outcome is not Outcome.SUCCESS]


REST_AFTER_ONE = {outcome: ["b", "c"] for outcome in FAILURES} | {
    Outcome.TOO_LARGE: ["b"],
    Outcome.REFUSED: [],
    Outcome.CUT_SHORT: [],
}


@pytest.mark.parametrize("outcome", FAILURES)
@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_first_failure_is_retried_or_goes_on_as_its_class_says(failover, outcome):
    found = step_after(route(failover), failed(outcome))
    assert found.countdown == (1.0 if failover == "after-retries" and outcome in RETRIED else None)
    assert found.remaining == REST_AFTER_ONE[outcome]


TRIES = dict.fromkeys(FAILURES, 1) | dict.fromkeys(RETRIED, 4)
TRIES |= {Outcome.TIMEOUT: 2, Outcome.EMPTY: 2, Outcome.NONCONFORMING: 2, Outcome.CUT_SHORT: 6}


@pytest.mark.parametrize("outcome", FAILURES)
@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_provider_is_spent_after_as_many_tries_as_the_class_allows(failover, outcome):
    is_exhausted = ["a" in position(route(failover), failed(*n * [outcome])).exhausted for n in range(1, 6)]
    assert is_exhausted == [n >= TRIES[outcome] for n in range(1, 6)]


@pytest.mark.parametrize("outcome", RETRIED)
def test_without_retries_every_class_has_one_try(outcome):
    assert step_after(route(retry=Retry(max_retries=0)), failed(outcome)).countdown is None


def test_the_retries_of_a_provider_back_off_further_each_time_and_then_end():
    lines = failed(*4 * [Outcome.TRANSIENT])
    countdowns = [step_after(route(), lines[:n]).countdown for n in range(1, 5)]
    assert countdowns == [1.0, 2.0, 4.0, None]
    assert remaining(route(), lines) == ["b", "c"]


def test_tries_are_counted_per_provider():
    lines = failed(*4 * [Outcome.TRANSIENT]) + failed(Outcome.TRANSIENT, name="b")
    assert step_after(route(), lines).countdown == 1.0


@pytest.mark.parametrize(
    ("outcome", "retry_after", "countdown", "limited"),
    [
        (Outcome.RATE_LIMITED, None, 1.0, 1.0),
        (Outcome.RATE_LIMITED, 0.0, 1.0, 1.0),
        (Outcome.RATE_LIMITED, 0.2, 1.0, 0.2),
        (Outcome.RATE_LIMITED, 5.0, 5.0, 5.0),
        (Outcome.RATE_LIMITED, 5.1, None, 5.1),
        (Outcome.OVERLOADED, None, 1.0, 0.0),
        (Outcome.OVERLOADED, 3.0, 3.0, 3.0),
        (Outcome.OVERLOADED, 5.1, None, 5.1),
        (Outcome.TRANSIENT, 3.0, 3.0, 0.0),
        (Outcome.TRANSIENT, 60.0, None, 60.0),
        (Outcome.NONCONFORMING, 60.0, None, 0.0),
    ],
)
def test_a_retry_after_is_obeyed_and_shared_with_the_fleet(outcome, retry_after, countdown, limited):
    found = step_after(route(), failed(outcome), retry_after)
    assert (found.countdown, found.limited) == (countdown, limited)


def test_a_rate_limit_without_a_header_lasts_a_second_at_least():
    quick = route(retry=Retry(initial_backoff=0.1))
    found = step_after(quick, failed(Outcome.RATE_LIMITED))
    assert (found.countdown, found.limited) == (1.0, 1.0)


def test_at_once_a_rate_limit_is_shared_with_the_fleet_all_the_same():
    assert step_after(route("at-once"), failed(Outcome.RATE_LIMITED), 3600.0).limited == 3600.0


@pytest.mark.parametrize(("left", "stays"), [(1.01, True), (1.0, False), (0.5, False), (-1.0, False)])
@pytest.mark.parametrize("outcome", [Outcome.TRANSIENT, Outcome.RATE_LIMITED])
def test_no_retry_is_planned_past_the_deadline(outcome, left, stays):
    quick = route(retry=Retry(initial_backoff=0.2 if outcome == Outcome.RATE_LIMITED else 1.0))
    assert (step_after(quick, failed(outcome), left=left).countdown is not None) is stays


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ({"a": 100, "b": 200, "c": 50}, ["b"]),
        ({"a": 100, "b": 100, "c": 101}, ["c"]),
        ({"a": 100, "b": None, "c": 50}, ["b"]),
        ({"a": None, "b": 200, "c": None}, ["b", "c"]),
        ({"a": 100, "b": 50, "c": 50}, []),
    ],
)
@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_request_too_large_goes_to_windows_that_are_not_known_to_be_no_larger(failover, windows, expected):
    on = route(failover, others={name: sized(name, "openai", context) for name, context in windows.items()})
    lines = failed(Outcome.TOO_LARGE)
    assert remaining(on, lines) == step_after(on, lines).remaining == expected
    assert "a" not in remaining(on, [*lines, RoundStart(fresh=True)])


def test_the_window_is_that_of_the_tier_asked_for():
    small_fast = {"default": Model(name="m", context=100), "fast": Model(name="f", context=10)}
    on = route(others={"a": provider("a", models=small_fast)})
    assert remaining(Route(on.chain, on.providers, "fast"), failed(Outcome.TOO_LARGE)) == ["b", "c"]


@pytest.mark.parametrize(
    ("host", "model", "asked"), [("x", "m", False), ("x", "n", True), ("x:81", "m", True), ("y", "m", True)]
)
def test_an_invalid_request_is_asked_once_per_host_and_model(host, model, asked):
    on = route(providers="ab", others={"a": sized("a", "openai", 1, "x"), "b": sized("b", "openai", 1, host, model)})
    assert remaining(on, failed(Outcome.INVALID)) == (["b"] if asked else [])


@pytest.mark.parametrize(("host", "asked"), [("x", False), ("y", True)])
def test_a_request_too_large_for_a_host_goes_to_any_other_host_whatever_its_window(host, asked):
    on = route(providers="ab", others={"a": sized("a", "openai", 100, "x"), "b": sized("b", "openai", 10, host)})
    assert remaining(on, failed(Outcome.TOO_LARGE, scope="host")) == (["b"] if asked else [])


@pytest.mark.parametrize("failover", FAILOVERS)
def test_after_a_time_out_the_next_is_asked_at_once_and_the_same_again_where_nobody_else_is_left(failover):
    on = route(failover)
    first = failed(Outcome.TIMEOUT)
    assert step_after(on, first).countdown is None
    assert remaining(on, first) == ["b", "c"]
    others = [*first, *(failed(Outcome.QUOTA_EXHAUSTED, name=name)[0] for name in "bc")]
    assert (remaining(on, others), position(on, others).with_retry(on)) == ([], ["a"])
    assert exhausted(on, others, 0.0) == (RoundStart(fresh=False), 1.0)
    again = [*others, RoundStart(fresh=False), *first]
    assert (position(on, again).with_retry(on), exhausted(on, again, 0.0)) == ([], None)


def test_an_attempt_that_spent_its_share_is_not_made_again():
    lines = failed(Outcome.SHARE_SPENT)
    assert (step_after(route(), lines).countdown, remaining(route(), lines)) == (None, ["b", "c"])
    assert "a" not in remaining(route(), [*lines, RoundStart(fresh=False)])


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_round_in_which_somebody_was_asked_is_followed_by_another_after_a_backoff(failover):
    on = route(failover)
    one = [Entry(name, Outcome.TRANSIENT, 0.0) for name in "abc"]
    two = [*one, RoundStart(fresh=False), *one]
    assert exhausted(on, one, 0.0) == (RoundStart(fresh=False), 1.0)
    assert exhausted(on, two, 0.0) == (RoundStart(fresh=False), 2.0)
    assert exhausted(on, two, 3.0) == (RoundStart(fresh=False), 3.0)
    assert exhausted(on, two, 60.0) is None
    assert exhausted(on, 4 * [*one, RoundStart(fresh=False)], 0.0) is None


@pytest.mark.parametrize("failover", FAILOVERS)
@pytest.mark.parametrize("when_exhausted", ["fail", "wait"])
def test_whoever_admits_soon_is_waited_for_whatever_the_chain_says(failover, when_exhausted):
    on = route(failover, when_exhausted=when_exhausted)
    skipped = [Entry(name, SKIPPED, 0.0, reason="rate-limited") for name in "abc"]
    found = new_round(on, skipped, 0.7)
    assert found == Round(RoundStart(fresh=False), 0.7, parks=when_exhausted == "wait")


@pytest.mark.parametrize("failover", FAILOVERS)
@pytest.mark.parametrize("when_exhausted", ["fail", "wait"])
def test_a_chain_where_nobody_was_asked_waits_or_ends(failover, when_exhausted):
    on = route(failover, when_exhausted=when_exhausted)
    over = [Entry(name, SKIPPED, 0.0, reason="open") for name in "abc"]
    waits = when_exhausted == "wait"
    assert exhausted(on, over, 60.0) == ((RoundStart(fresh=True), 60.0) if waits else None)
    assert exhausted(on, over) == ((RoundStart(fresh=True), UNKNOWN_WAIT) if waits else None)


def test_a_chain_that_waits_begins_anew_with_whoever_admits_now():
    on = route(when_exhausted="wait")
    lines = [*failed(Outcome.TIMEOUT), *failed(*4 * [Outcome.TRANSIENT], name="b")]
    fresh = after_exhaustion(on, lines, {"a": 60.0, "b": 0.0, "c": None}, {}, lambda: 1.0)
    assert fresh == Round(RoundStart(fresh=True), 1.0)
    parked = after_exhaustion(on, lines, {"a": 60.0, "b": 30.0, "c": None}, {}, lambda: 1.0)
    assert parked == Round(RoundStart(fresh=True), 30.0, parks=True)


def test_a_chain_that_waits_does_not_wait_for_who_cannot_take_the_request():
    on = route(when_exhausted="wait")
    lines = [*failed(Outcome.INVALID), *failed(Outcome.INVALID, name="b"), *failed(Outcome.INVALID, name="c")]
    assert (position(on, lines).able(on), exhausted(on, lines)) == ([], None)


def test_a_chain_whose_retries_are_spent_waits_a_backoff_before_it_begins_anew():
    on = route(when_exhausted="wait", providers="a")
    assert exhausted(on, failed(*4 * [Outcome.TRANSIENT]), 0.0) == (RoundStart(fresh=True), 1.0)


def test_every_class_has_its_row():
    assert set(RULES) == set(Outcome)
    assert set(REST_AFTER_ONE) == set(TRIES) == set(FAILURES)


def own(**retry):
    return {"a": sized("a", "openai", 100).model_copy(update={"retry": ProviderRetry(**retry)})}


def test_a_provider_s_own_retries_replace_the_chain_s_field_by_field():
    mine = route(others=own(max_retries=1, initial_backoff=8.0))
    lines = failed(*2 * [Outcome.TRANSIENT])
    assert [step_after(mine, lines[:n]).countdown for n in (1, 2)] == [8.0, None]
    assert [step_after(mine, failed(Outcome.TRANSIENT, name="b") * n).countdown for n in (1, 3)] == [1.0, 4.0]


def test_a_provider_s_own_max_retry_after_decides_whether_its_wait_is_waited_for():
    patient = route(others=own(max_retry_after=60.0))
    assert step_after(patient, failed(Outcome.OVERLOADED), retry_after=30.0).countdown == 30.0
    assert step_after(route(), failed(Outcome.OVERLOADED), retry_after=30.0).countdown is None
    assert new_round(patient, failed(Outcome.OVERLOADED), wait=30.0) == Round(RoundStart(fresh=False), 30.0)
