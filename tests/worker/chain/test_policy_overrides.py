"""What follows from a failure where a chain overrides the rule of its class."""

import pytest

from config.outcomes import Outcome
from tests.worker.chain.routes import exhausted, failed, remaining, route, step_after
from worker.chain import failure_messages
from worker.errors import ChainExhausted, ContentRefused, InvalidRequest
from worker.task.journal import SKIPPED, Entry, RoundStart

FAILOVERS = ("after-retries", "at-once")


def overriding(outcome, failover="after-retries", when_exhausted="fail", **override):
    return route(failover, when_exhausted=when_exhausted, outcomes={outcome: override})


def entries(**outcomes):
    return [Entry(name, outcome, 0.0, reason="because") for name, outcome in outcomes.items()]


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_refusal_goes_on_where_the_chain_allows_it(failover):
    on = overriding(Outcome.REFUSED, failover, next_provider="at-once")
    lines = failed(Outcome.REFUSED)
    assert (step_after(on, lines).countdown, step_after(on, lines).remaining, remaining(on, lines)) == (
        None,
        ["b", "c"],
        ["b", "c"],
    )


@pytest.mark.parametrize("fresh", [True, False])
def test_who_refused_is_not_asked_again_in_a_later_round(fresh):
    on = overriding(Outcome.REFUSED, next_provider="at-once", when_exhausted="wait")
    lines = entries(a=Outcome.REFUSED, b=Outcome.QUOTA_EXHAUSTED, c=Outcome.QUOTA_EXHAUSTED)
    assert exhausted(on, lines, 60.0)[0] == RoundStart(fresh=True)
    assert remaining(on, [*lines, RoundStart(fresh=fresh)]) == (["b", "c"] if fresh else [])


@pytest.mark.parametrize("when_exhausted", ["fail", "wait"])
@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_refusal_ends_every_other_chain_whoever_takes_it_up(failover, when_exhausted):
    on = route(failover, when_exhausted=when_exhausted)
    assert (remaining(on, failed(Outcome.REFUSED)), exhausted(on, failed(Outcome.REFUSED), 60.0)) == ([], None)


@pytest.mark.parametrize("failover", FAILOVERS)
def test_an_invalid_request_goes_to_the_same_model_of_its_host_where_the_chain_allows_it(failover):
    on = overriding(Outcome.INVALID, failover, next_provider="at-once")
    lines = failed(Outcome.INVALID)
    assert remaining(on, lines) == step_after(on, lines).remaining == ["b", "c"]
    assert remaining(on, [*lines, RoundStart(fresh=True)]) == ["b", "c"]


def test_an_invalid_request_goes_nowhere_where_the_chain_says_so():
    on = overriding(Outcome.INVALID, next_provider="never")
    assert (step_after(on, failed(Outcome.INVALID)).remaining, exhausted(on, failed(Outcome.INVALID))) == ([], None)


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_request_too_large_goes_to_smaller_windows_where_the_chain_allows_it(failover):
    on = overriding(Outcome.TOO_LARGE, failover, next_provider="at-once")
    assert remaining(on, failed(Outcome.TOO_LARGE)) == ["b", "c"]
    assert remaining(on, [*failed(Outcome.TOO_LARGE), RoundStart(fresh=True)]) == ["b", "c"]


@pytest.mark.parametrize("override", [{"same_provider": "never"}, {"next_provider": "at-once"}])
def test_a_timeout_goes_on_without_a_retry_by_either_word(override):
    on = overriding(Outcome.TIMEOUT, **override)
    found = step_after(on, failed(Outcome.TIMEOUT))
    assert (found.countdown, found.remaining, remaining(on, failed(Outcome.TIMEOUT))) == (None, ["b", "c"], ["b", "c"])


def test_a_timeout_is_retried_as_often_as_the_chain_says():
    on = overriding(Outcome.TIMEOUT, same_provider="backoff", next_provider="after-retries")
    countdowns = [step_after(on, failed(*n * [Outcome.TIMEOUT])).countdown for n in range(1, 5)]
    assert countdowns == [1.0, 2.0, 4.0, None]


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_class_that_goes_on_at_once_keeps_its_retries_for_the_next_round(failover):
    on = overriding(Outcome.TRANSIENT, failover, same_provider="once", next_provider="at-once")
    round_ = entries(a=Outcome.TRANSIENT, b=Outcome.TRANSIENT, c=Outcome.TRANSIENT)
    assert exhausted(on, round_, 0.0) == (RoundStart(fresh=False), 1.0)
    assert exhausted(on, [*round_, RoundStart(fresh=False), *round_], 0.0) is None


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_class_that_never_goes_on_has_its_retries_on_the_same_provider_and_then_ends(failover):
    on = overriding(Outcome.TRANSIENT, failover, next_provider="never", when_exhausted="wait")
    found = [step_after(on, failed(*n * [Outcome.TRANSIENT])) for n in range(1, 5)]
    assert [(o.countdown, o.remaining) for o in found] == [(1.0, []), (2.0, []), (4.0, []), (None, [])]
    assert remaining(on, failed(Outcome.TRANSIENT)) == ["a"]


@pytest.mark.parametrize(
    ("override", "retry_after", "countdown"),
    [
        ({"same_provider": "never"}, 0.2, None),
        ({"same_provider": "backoff", "next_provider": "after-retries"}, 60.0, None),
        ({"next_provider": "after-retries"}, 60.0, None),
        ({"next_provider": "after-retries"}, 5.0, 5.0),
    ],
)
def test_a_rate_limit_is_waited_out_as_the_chain_says_and_shared_with_the_fleet_alike(override, retry_after, countdown):
    found = step_after(overriding(Outcome.RATE_LIMITED, **override), failed(Outcome.RATE_LIMITED), retry_after)
    assert (found.countdown, found.limited) == (countdown, retry_after)


@pytest.mark.parametrize(("retry_after", "countdown"), [(None, 1.0), (5.0, 5.0), (5.1, None)])
def test_any_class_is_retried_only_if_its_retry_after_fits_where_the_chain_says_so(retry_after, countdown):
    on = overriding(Outcome.OVERLOADED, same_provider="retry-after")
    assert step_after(on, failed(Outcome.OVERLOADED), retry_after).countdown == countdown


def test_a_chain_overrides_for_itself_alone():
    overriding(Outcome.REFUSED, next_provider="at-once")
    assert remaining(route(), failed(Outcome.REFUSED)) == []


ENDS = [
    (entries(a=Outcome.REFUSED), ContentRefused, "a: refused, because"),
    (
        entries(a=Outcome.REFUSED, b=Outcome.TRANSIENT),
        ContentRefused,
        "a: refused, because; b: transient, because",
    ),
    (entries(a=Outcome.INVALID, b=Outcome.REFUSED), ContentRefused, "a: invalid, because; b: refused, because"),
    (
        entries(a=Outcome.INVALID, b=Outcome.INVALID),
        InvalidRequest,
        "refused as invalid by a: invalid, because; b: invalid, because",
    ),
    (
        entries(a=Outcome.INVALID, b=Outcome.TOO_LARGE),
        ChainExhausted,
        "chain 'chain' is exhausted: a: invalid, because; b: too-large, because",
    ),
]


@pytest.mark.parametrize(("lines", "error", "message"), ENDS)
def test_a_refusal_outweighs_the_other_outcomes_where_nobody_answered(lines, error, message):
    failure = failure_messages.exhausted_error(route().chain, lines)
    assert (type(failure), str(failure)) == (error, message)


def test_a_retry_that_was_postponed_does_not_hide_what_the_provider_said():
    postponed = failed(SKIPPED, reason="retry-budget")
    failure = failure_messages.exhausted_error(route().chain, [*failed("transient", reason="it is down"), *postponed])
    assert str(failure) == "chain 'chain' is exhausted: a: transient, it is down"
