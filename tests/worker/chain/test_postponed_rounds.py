"""When a new round starts, where only the retry budget stands against the providers."""

from config.outcomes import Outcome
from tests.worker.chain.routes import failed, new_round, route
from worker.chain.policy import Round
from worker.task.journal import SKIPPED, RoundStart

ASKED = [line for name in "abc" for line in failed(Outcome.TRANSIENT, name=name)]


def test_a_round_waits_until_the_retry_budget_of_one_provider_has_room_and_up_to_half_as_long_again():
    later = {"a": 40.0, "b": 20.0, "c": 30.0}
    assert new_round(route("at-once"), ASKED, 0.0, later) == Round(RoundStart(fresh=False), 30.0)


def test_each_time_that_others_were_first_it_backs_off_further_from_a_retry_budget():
    later, skipped = dict.fromkeys("abc", 1.0), failed(*2 * [SKIPPED], reason="retry-budget")
    lines, delays = [*ASKED], []
    for _ in range(7):
        found = new_round(route("at-once"), lines, 0.0, later)
        delays.append(found.delay)
        lines += [found.start, *skipped]
    assert delays == [1.5, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_a_budget_of_one_provider_postpones_nothing_while_another_may_be_retried():
    assert new_round(route("at-once"), ASKED, 0.0, {"a": 40.0, "b": 20.0}) == new_round(route("at-once"), ASKED, 0.0)


def test_what_only_a_retry_budget_holds_back_is_not_parked_as_the_breakers_would_release_it_at_once():
    lines = [*ASKED, RoundStart(fresh=False)]
    waiting = route("at-once", when_exhausted="wait")
    assert new_round(waiting, lines, 0.0).parks
    assert not new_round(waiting, lines, 0.0, dict.fromkeys("abc", 20.0)).parks
