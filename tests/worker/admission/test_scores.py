"""Which provider of a group is asked first, on a real server whose time the tests set."""

import json

import pytest

from config.breaker import Adaptive, Breaker
from config.limits import Limits
from tests.worker.admission.clocked_breaker import CHAIN, HOUR, MINUTE, SECOND, ClockedBreaker, attempted
from worker.admission import breaker
from worker.admission.breaker import Decision, Skipped, snapshot
from worker.admission.score import Sample, Scoring

PRICE = (3000.0, 300.0, 15_000.0, 0.0)
FREE = (0.0, 0.0, 0.0, 0.0)
PROMPT, OUTPUT = 1000, 300


class Group:
    """Completions that are alike, one after the other, of a chain that is one group unless told otherwise."""

    def __init__(self, clocked: ClockedBreaker, groups: tuple[int, ...] = (1, 1, 1), **fields: object) -> None:
        self.clocked, self.number = clocked, 0
        self.scoring = {"groups": groups, "rates": [PRICE] * 3, "second_usd": 0.002, **fields}

    def decide(self, **fields: object) -> Decision:
        """Asks the chain and returns the decision."""
        self.number += 1
        scoring = Scoring(**{"tier": "default", "prompt": PROMPT, "output": OUTPUT, **self.scoring, **fields})
        permit_id, store = f"p{self.number}", self.clocked.store
        reply = store.run(breaker.acquire(store, "", "", permit_id, CHAIN, json.dumps(scoring.demand())))[0]
        return breaker.parse_acquire_reply(reply, permit_id, CHAIN)

    def ask(self, **fields: object) -> str:
        """Returns the provider that is chosen."""
        permit = self.decide(**fields).permit
        assert permit
        return permit.provider

    def answer(self, name: str, seconds: float, times: int = 1, every: int = SECOND, **fields: object) -> None:
        """Has a provider answer so often, each time after so long, half of it to the first token."""
        for _ in range(times):
            sample = Sample("default", answered=True, prompt=PROMPT, output=OUTPUT, **fields)
            permit, ms = self.clocked.permit(name), 1000 * seconds
            said = attempted(permit, "success", latency=ms, first_token=ms / 2, sample=sample)
            self.clocked.record(said, task=f"t{self.number}")
            self.clocked.after(every)

    def fail(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            said = attempted(self.clocked.permit(name), "ignored", sample=Sample("default", answered=False))
            self.clocked.record(said)


@pytest.fixture
def clocked(every_redis) -> ClockedBreaker:
    return ClockedBreaker(every_redis, Breaker(adaptive=Adaptive(latency="on")))


@pytest.fixture
def group(clocked) -> Group:
    return Group(clocked)


def test_nobody_knows_anything_so_the_listed_order_holds(group):
    assert group.ask() == "alpha"


def test_the_cheapest_is_asked_where_nothing_is_known_of_speed(group):
    assert group.ask(rates=[PRICE, FREE, PRICE]) == "beta"


def test_a_provider_is_left_for_one_that_is_a_good_deal_better(group):
    group.answer("alpha", 2.0)
    group.answer("beta", 1.95)
    assert group.ask() == "alpha"
    group.answer("gamma", 0.5)
    assert group.ask(second_usd=0.1) == "gamma"


def test_what_waiting_is_worth_decides_between_dear_and_slow(group):
    group.answer("alpha", 1.0)
    group.answer("beta", 10.0)
    rates = [PRICE, FREE, PRICE]
    assert [group.ask(rates=rates, second_usd=second_usd) for second_usd in (0.01, 0.0001)] == ["alpha", "beta"]


def test_a_provider_that_becomes_slow_is_left_within_few_answers(group):
    group.answer("alpha", 1.0, times=30)
    group.answer("beta", 1.2, times=3)
    group.answer("alpha", 4.0, times=6)
    assert group.ask(second_usd=0.01) == "beta"


def test_and_is_asked_again_as_its_data_age(group):
    group.answer("beta", 1.5)
    group.answer("alpha", 1.0, times=300, every=2 * SECOND)
    group.answer("alpha", 4.0, times=6)
    for _ in range(20):
        group.answer("beta", 1.5)
    assert group.ask(second_usd=0.01, groups=[1, 1, 0]) == "beta"
    group.clocked.after(15 * MINUTE)
    group.answer("beta", 1.5)
    assert group.ask(second_usd=0.01, groups=[1, 1, 0]) == "alpha"


def test_failures_make_a_provider_dearer_and_are_forgotten(group):
    group.answer("alpha", 1.0)
    group.answer("beta", 1.0)
    group.fail("alpha", 3)
    assert group.ask(groups=[1, 1, 0]) == "beta"
    group.clocked.after(HOUR)
    assert group.ask(groups=[1, 1, 0]) == "alpha"


def test_a_failure_teaches_no_latency(group):
    group.answer("alpha", 1.0)
    before = snapshot(group.clocked.store, ["alpha"])[0].scores["default"]
    group.fail("alpha")
    after = snapshot(group.clocked.store, ["alpha"])[0].scores["default"]
    assert after.seconds == pytest.approx(before.seconds)
    assert after.success < before.success


def test_a_newcomer_is_taken_to_be_as_fast_as_the_others_usually_are(group):
    group.answer("alpha", 2.0, times=10)
    decision = group.decide(rates=[PRICE, FREE, FREE])
    assert decision.permit.provider == "beta"
    assert decision.permit.score.seconds == pytest.approx(2.0, rel=0.05)


def test_many_at_once_are_spread_over_the_group(group):
    for name in CHAIN:
        group.answer(name, 1.0, times=3)
    chosen = [group.ask(second_usd=0.01) for _ in range(60)]
    assert min(chosen.count(name) for name in CHAIN) >= 15


def test_calls_in_flight_are_forgotten_without_a_word(group):
    for name in CHAIN:
        group.answer(name, 1.0, times=3)
    for _ in range(30):
        group.ask()
    assert snapshot(group.clocked.store, ["alpha"])[0].scores["default"].in_flight > 5
    group.clocked.after(5 * MINUTE)
    assert snapshot(group.clocked.store, ["alpha"])[0].scores["default"].in_flight < 0.01


def test_where_concurrency_is_limited_its_slots_are_the_load(every_redis):
    clocked = ClockedBreaker(every_redis, limits=Limits(concurrency=4))
    group = Group(clocked)
    loads = [group.decide(groups=[1, 0, 0]).permit.score.load for _ in range(4)]
    assert loads == [0.0, 0.25, 0.5, 0.75]


def test_a_hot_provider_comes_last(group):
    group.answer("alpha", 1.0, scarce_ms=30_000)
    assert group.ask() == "beta"
    assert group.ask(groups=[1, 2, 2]) == "alpha"
    group.clocked.after(30 * SECOND)
    assert group.ask() == "alpha"


def test_the_one_with_the_oldest_data_is_explored(group):
    group.answer("beta", 1.0)
    group.answer("alpha", 1.0)
    group.answer("gamma", 1.0)
    assert [group.ask(explores=explores) for explores in (False, True)] == ["alpha", "beta"]


def test_groups_are_asked_in_the_chain_s_order_and_each_refusal_names_its_provider(group):
    group.answer("beta", 5.0)
    group.answer("gamma", 1.0)
    group.clocked.control("open")
    decision = group.decide(groups=[0, 1, 1], second_usd=0.1)
    assert decision.permit.provider == "gamma"
    assert decision.skipped == (Skipped("alpha", "forced-open", None),)
    breaker.control(group.clocked.store, "gamma", "open", by="test")
    decision = group.decide(groups=[0, 1, 1], second_usd=0.1)
    assert decision.permit.provider == "beta"
    assert [each.provider for each in decision.skipped] == ["alpha", "gamma"]


def test_a_retry_comes_before_the_rest_of_its_group(group):
    group.answer("alpha", 9.0)
    group.answer("beta", 1.0)
    assert [group.ask(groups=groups, second_usd=0.1) for groups in ([1, 1, 0], [-1, 1, 0])] == ["beta", "alpha"]


def test_within_a_group_the_latency_detector_deprioritises_nobody(group):
    group.answer("alpha", 1.0, times=60)
    for _ in range(12):
        group.answer("alpha", 8.0)
    assert group.clocked.fields()["deprioritised_until"] > group.clocked.now
    assert group.ask(groups=[0, 0, 0]) == "beta"
    assert group.ask(rates=[FREE, PRICE, PRICE], second_usd=0.0) == "alpha"


def test_a_chain_without_groups_reads_and_writes_nothing_of_scores(clocked):
    clocked.call("success")
    assert not [name for name in clocked.server.hgetall(clocked.key()) if name.startswith(("score", "speed", "load"))]
    assert clocked.acquire(*CHAIN).permit.score is None


def test_a_result_of_another_generation_teaches_nothing(group):
    permit = group.decide().permit
    group.clocked.control("reset")
    said = attempted(permit, "success", first_token=50, sample=Sample("default", answered=True, output=OUTPUT))
    group.clocked.record(said)
    assert snapshot(group.clocked.store, ["alpha"])[0].scores == {}
