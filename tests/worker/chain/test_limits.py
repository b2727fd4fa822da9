"""What follows where limits and budgets refuse providers, from the journal alone."""

from config.outcomes import Outcome
from tests.worker.chain.routes import failed, route
from worker.chain.failure_messages import exhausted_error
from worker.chain.policy import affordable, after_exhaustion
from worker.errors import BudgetExceeded, ChainExhausted
from worker.task.journal import SKIPPED, Entry, RoundStart


def skipped(name, reason):
    return Entry(name, SKIPPED, 0.0, reason=reason)


def limited(*names):
    return [skipped(name, "limit: concurrency") for name in names]


def test_a_completion_that_only_limits_stand_against_is_parked_whatever_its_chain_says():
    for when_exhausted in ("fail", "wait"):
        found = after_exhaustion(
            route(providers="ab", when_exhausted=when_exhausted), limited("a", "b"), {"a": 9.0, "b": 5.0}, {}
        )
        assert (found.start, found.delay, found.parks, found.limited) == (None, 5.0, True, ("a", "b"))


def test_who_admits_soon_is_asked_before_anybody_is_waited_for():
    lines = [*limited("a"), skipped("b", "open")]
    found = after_exhaustion(route(providers="ab"), lines, {"a": 0.0, "b": 2.0}, {})
    assert (found.delay, found.parks, found.limited) == (2.0, False, ())


def test_a_limit_that_was_met_before_the_last_attempt_counts_no_longer():
    lines = limited("a") + failed(*4 * [Outcome.TRANSIENT], name="a")
    assert after_exhaustion(route(providers="a"), lines, {"a": 0.0}, {}) is None


def test_a_round_in_which_somebody_was_asked_ends_before_the_wait():
    lines = failed(*4 * [Outcome.TRANSIENT], name="b") + limited("a")
    found = after_exhaustion(route(providers="ab"), lines, {"a": 1.0, "b": 0.0}, {})
    assert (found.start, found.parks, found.limited) == (RoundStart(fresh=False), True, ("a",))


def test_a_limit_is_waited_for_where_the_retry_budget_holds_back_the_other_provider():
    lines = [*failed(Outcome.TRANSIENT, name="a"), skipped("a", "retry-budget"), *limited("b")]
    for when_exhausted in ("fail", "wait"):
        on = route(providers="ab", when_exhausted=when_exhausted)
        found = after_exhaustion(on, lines, {"a": 0.0, "b": 5.0}, {"a": 20.0})
        assert (found.start, found.delay, found.parks, found.limited) == (RoundStart(fresh=False), 5.0, True, ("b",))


def test_nobody_waits_for_a_budget():
    lines = [skipped("a", "budget: usd_per_day of the chain")]
    on = route(providers="a", when_exhausted="wait")
    assert affordable(["a"], lines) == []
    assert after_exhaustion(on, lines, {}, {}) is None
    assert isinstance(exhausted_error(on.chain, lines), BudgetExceeded)


def test_a_budget_that_did_not_refuse_the_last_time_is_no_cause():
    lines = [skipped("a", "budget: max_cost_usd"), *failed(Outcome.TRANSIENT, name="a")]
    assert isinstance(exhausted_error(route(providers="a").chain, lines), ChainExhausted)
