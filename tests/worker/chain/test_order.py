"""What a completion tells of its chain's groups: who is scored with whom, at what price; what an attempt teaches."""

import random

import pytest

from config.chains import Chain
from config.outcomes import Outcome
from config.providers import Model
from tests.worker.admission.clocked_breaker import provider
from tests.worker.chain.routes import failed
from tests.worker.providers.asking import request
from worker.admission.decision import Permit
from worker.admission.score import Sample, Score
from worker.chain.account import Account
from worker.chain.delivery import Delivery
from worker.chain.order import Order
from worker.chain.position import position
from worker.chain.route import Route
from worker.task.journal import Entry, RoundStart, dump, fields, load

LISTED = (("a", "b"), "c")
PRICED = Model(name="m", input_usd=3.0, output_usd=15.0, cached_usd=0.3)
PROVIDERS = {name: provider(name, models={"default": PRICED}) for name in "abc"}
SCORE = Score(cost_usd=0.001, seconds=2.0, success=0.9, usd=0.0055, load=0.25)


def order(listed=LISTED, current=None, lines=(), **chain):
    """Returns the room of a delivery, and its route."""
    route = Route(Chain(name="chain", providers=listed, **chain), PROVIDERS)
    return Order(Account(Delivery("id", request(), route, stop_reason=lambda: None, current=current))), route


def groups(made, providers, lines=()):
    scoring = made[0].scoring(providers, lines)
    return scoring and scoring.groups


@pytest.mark.parametrize(
    ("listed", "chain", "expected"),
    [
        (LISTED, {}, [1, 1, 0]),
        (("a", ("b", "c")), {}, [0, 1, 1]),
        (("a", "b", "c"), {}, None),
        (("a", "b", "c"), {"order": "scored"}, [1, 1, 1]),
        (LISTED, {"order": "scored"}, [1, 1, 1]),
    ],
)
def test_the_groups_are_those_of_the_chain(listed, chain, expected):
    assert groups(order(listed, **chain), ["a", "b", "c"]) == expected


def test_whose_retries_come_first_is_asked_before_the_rest_of_its_group():
    lines = failed(Outcome.TRANSIENT, name="b")
    made = order()
    remaining = position(made[1], lines).remaining(made[1])
    assert (remaining, groups(made, remaining, lines)) == (["b", "a", "c"], [-1, 1, 0])
    assert groups(made, remaining, [*lines, RoundStart(fresh=False)]) == [1, 1, 0]


def test_a_message_says_whose_retries_come_first_before_the_journal_is_read():
    assert groups(order(current="a"), ["a", "b", "c"]) == [-1, 1, 0]


def test_only_the_current_provider_of_a_group_is_in_the_message():
    _, route = order()
    assert position(route, failed(Outcome.TRANSIENT, name="a")).first(route) == "a"
    assert position(route, failed(Outcome.TRANSIENT, name="c")).first(route) is None


def test_nothing_is_told_of_providers_that_are_in_no_group():
    assert groups(order(), ["c"]) is None
    assert groups(order(), []) is None


def test_prices_are_nano_usd_of_a_token_and_only_of_those_in_a_group():
    scoring = order()[0].scoring(["b", "c"], [])
    assert scoring.rates == [pytest.approx((3000, 300, 15_000, 0)), (0, 0, 0, 0)]
    assert scoring.demand()["scored"]["second"] == 2000


@pytest.mark.parametrize(("priority", "least", "most"), [(9, 10, 40), (6, 0, 0), (3, 0, 0)])
def test_about_one_in_a_hundred_of_low_priority_explores(priority, least, most):
    random.seed(1)
    made = order(priority=priority)[0]
    assert least <= sum(made.scoring(["a", "b"], []).explores for _ in range(2000)) <= most


def test_an_answer_teaches_its_tokens_and_a_failure_that_it_failed():
    tokens = {"prompt": 10, "completion": 5, "cached": 2}
    answered = Entry("a", Outcome.SUCCESS, 0.0, tokens=tokens)
    permit = Permit("a", 1, score=SCORE)
    assert order()[0].sample(permit, answered, 1.5) == Sample("default", True, 10, 5, 2, 0.25, 1500)
    for outcome in (Outcome.TRANSIENT, Outcome.RATE_LIMITED, Outcome.EMPTY, Outcome.TIMEOUT):
        (entry,) = failed(outcome)
        assert not order()[0].sample(permit, entry).answered


@pytest.mark.parametrize("outcome", [Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID, Outcome.CUT_SHORT])
def test_what_is_about_the_request_teaches_nothing(outcome):
    (entry,) = failed(outcome)
    assert order()[0].sample(Permit("a", 1, score=SCORE), entry) is None


def test_who_was_not_chosen_by_a_score_teaches_nothing():
    (entry,) = failed(Outcome.TRANSIENT)
    assert order()[0].sample(Permit("a", 1), entry) is None


def test_a_line_of_the_journal_has_its_score_or_no_such_field():
    scored = Entry("a", "success", 1.0, score=SCORE.fields())
    assert load(dump(scored)) == scored
    assert fields(scored)["score"] == {"cost_usd": 0.001, "seconds": 2.0, "success": 0.9, "usd": 0.0055}
    assert "score" not in fields(Entry("a", "success", 1.0))
