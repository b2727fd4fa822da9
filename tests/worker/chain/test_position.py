"""Which providers are left after the lines of a journal."""

from dataclasses import replace

import pytest

from config.chains import Chain
from config.outcomes import Outcome
from tests.worker.chain.routes import PROVIDERS, failed, remaining, route, sized
from tests.worker.providers.asking import request
from worker.chain.capability import incapable
from worker.chain.position import Position, position
from worker.chain.route import Route
from worker.task.journal import SKIPPED, Entry, RoundStart

FAILOVERS = ("after-retries", "at-once")


def test_the_retries_of_a_provider_come_before_one_that_was_skipped():
    lines = [Entry("a", SKIPPED, 0.0, reason="open"), *failed(Outcome.TRANSIENT, name="b")]
    assert remaining(route(), lines) == ["b", "a", "c"]
    assert remaining(route("at-once"), lines) == ["a", "c"]


def test_who_is_left_for_another_is_not_asked_again_in_this_round():
    lines = failed(Outcome.TRANSIENT) + failed(Outcome.TRANSIENT, name="b", at=1.0)
    assert remaining(route(), lines) == ["b", "c"]
    assert remaining(route(), [*lines, RoundStart(fresh=False)]) == ["a", "b", "c"]


def test_those_who_still_wait_for_their_turn_are_the_ones_not_asked_yet():
    now = position(route("at-once"), failed(Outcome.TRANSIENT))
    assert now.waiting(route("at-once"), "b") == ["c"]
    assert position(route(), []).waiting(route(), "a") == ["b", "c"]


def test_an_outcome_that_only_a_newer_worker_knows_leaves_the_provider():
    assert remaining(route(), failed("of-tomorrow")) == ["b", "c"]


def test_providers_that_are_not_configured_are_never_asked():
    on = Route(Chain(name="chain", providers=("unset", "a", "b")), PROVIDERS)
    assert (on.candidates(), remaining(on, [])) == (["a", "b"], ["a", "b"])


def test_a_provider_skipped_or_taken_out_of_the_chain_moves_nothing():
    lines = [Entry("a", SKIPPED, 0.0, reason="open"), Entry("gone", Outcome.TRANSIENT, 0.0)]
    assert position(route(), lines) == Position()


@pytest.mark.parametrize("failover", FAILOVERS)
def test_a_late_line_of_a_provider_that_was_left_does_not_turn_back(failover):
    lines = failed(Outcome.TRANSIENT, name="b", at=2.0) + failed(Outcome.TRANSIENT, name="a", at=1.0)
    assert "a" not in remaining(route(failover), lines)


def test_a_new_round_keeps_the_tries_and_a_fresh_one_forgets_them_but_not_who_cannot_take_it():
    lines = failed(*4 * [Outcome.TRANSIENT]) + failed(Outcome.TOO_LARGE, name="b")
    again = position(route(), [*lines, RoundStart(fresh=False)])
    fresh = position(route(), [*lines, RoundStart(fresh=True)])
    assert (again.exhausted, again.tries["a"], again.rounds) == ({"a", "b"}, 4, 1)
    assert (fresh.exhausted, fresh.tries["a"], fresh.rounds) == (frozenset(), 0, 1)
    assert fresh.closed == again.closed == {"a", "b", "c"}


def test_a_window_that_is_not_configured_is_the_librarys_for_whom_to_ask_next_but_rules_out_nobody():
    known = {"model": "gpt-4o", "host": "api.openai.com/v1"}  # 128,000 in the library
    others = {
        "k": sized("k", "openai", None, **known),
        "s": sized("s", "openai", 100_000),
        "l": sized("l", "openai", 200_000),
        "u": sized("u", "openai", None),
        "v": sized("v", "openai", None, model="gpt-4", host="api.openai.com/v1"),  # 8,192 in the library
    }
    assert remaining(route("at-once", "kslv", others), failed(Outcome.TOO_LARGE, name="k")) == ["l", "v"]
    assert remaining(route("at-once", "uslv", others), failed(Outcome.TOO_LARGE, name="u")) == ["s", "l", "v"]


def test_after_an_unknown_window_was_exceeded_who_has_a_known_one_is_asked_if_the_estimate_fits():
    others = {name: sized(name, "openai", context) for name, context in {"u": None, "s": 100, "l": 9_000}.items()}
    asked = request(("user", 100 * "The quick brown fox jumps over the lazy dog. "))  # about 1,000 tokens
    on = route("at-once", "usl", others)
    on = replace(on, lacking=incapable(asked, on.providers))
    first = failed(Outcome.TOO_LARGE, name="u")
    assert remaining(on, first) == ["l"]
    assert remaining(on, first + failed(Outcome.TOO_LARGE, name="l", at=1.0)) == []


def test_who_was_asked_first_with_a_known_window_rules_out_the_smaller_ones_whoever_is_asked_next():
    others = {"u": sized("u", "openai", None), "l": sized("l", "openai", 9_000)}
    on = route("at-once", "aucl", others)  # 100, unknown, 50, 9,000
    assert remaining(on, failed(Outcome.TOO_LARGE)) == ["u", "l"]
    assert remaining(on, failed(Outcome.TOO_LARGE) + failed(Outcome.TOO_LARGE, name="u", at=1.0)) == ["l"]
