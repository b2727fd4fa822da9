"""The places of each provider in one process."""

import threading
from contextlib import ExitStack

import pytest

from config.bulkheads import Bulkheads as Shares
from worker.admission.breaker import Decision, Permit, Skipped
from worker.admission.bulkheads import BULKHEAD, SOONEST, Bulkheads, with_skipped


@pytest.mark.parametrize(
    ("slots", "of_provider", "urgent"),
    [(1, 1, 0), (2, 1, 1), (3, 1, 1), (4, 2, 1), (5, 3, 1), (8, 6, 1), (10, 8, 1), (100, 80, 10), (500, 400, 50)],
)
def test_every_process_has_a_slot_for_everybody(slots, of_provider, urgent):
    shares = Shares()
    assert (shares.of_provider(slots), shares.urgent(slots)) == (of_provider, urgent)
    assert slots - urgent >= 1
    assert slots - urgent - of_provider >= (1 if slots > 2 else 0)


def test_both_can_be_switched_off():
    shares = Shares(provider_share=1, urgent_share=0)
    assert (shares.of_provider(100), shares.urgent(100)) == (100, 0)


def test_without_a_limit_nothing_is_full():
    bulkheads = Bulkheads()
    with ExitStack() as stack:
        assert all(stack.enter_context(bulkheads.place("one", urgent=False)) for _ in range(1000))
    assert bulkheads.held("one") == 0


def test_a_full_provider_is_left_out_until_a_call_ends():
    bulkheads = Bulkheads()
    bulkheads.limit(1, 0)
    with bulkheads.place("one", urgent=False) as first, bulkheads.place("one", urgent=False) as second:
        assert (first, second) == (True, False)
        assert bulkheads.with_room(["one", "two"], urgent=False) == ["two"]
    assert bulkheads.with_room(["one", "two"], urgent=False) == ["one", "two"]


def test_urgent_completions_have_places_of_their_own_on_top():
    bulkheads = Bulkheads()
    bulkheads.limit(1, 1)
    with bulkheads.place("one", urgent=False):
        assert bulkheads.is_full("one", urgent=False)
        assert not bulkheads.is_full("one", urgent=True)
        with bulkheads.place("one", urgent=True) as urgent:
            assert urgent
            assert bulkheads.is_full("one", urgent=True)


def test_a_call_that_fails_frees_its_place():
    bulkheads = Bulkheads()
    with pytest.raises(ValueError, match="failed"), bulkheads.place("one", urgent=False):
        raise ValueError("failed")
    assert bulkheads.held("one") == 0


def test_threads_never_take_more_than_there_are():
    bulkheads, most, seen = Bulkheads(), 5, list[int]()
    bulkheads.limit(most, 0)

    def ask() -> None:
        for _ in range(300):
            with bulkheads.place("one", urgent=False) as has_place:
                if has_place:
                    seen.append(bulkheads.held("one"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert max(seen) <= most
    assert bulkheads.held("one") == 0


def test_those_that_wait_come_back_one_by_one_and_urgent_ones_in_a_row_of_their_own():
    bulkheads = Bulkheads()
    bulkheads.limit(2, 0)
    bulkheads._leave("one", 10.0)  # a call of 10 s: with two places one becomes free each 5 s
    turns = [bulkheads.turn("one", urgent=False) for _ in range(3)]
    assert turns == pytest.approx([SOONEST, SOONEST + 5, SOONEST + 10], abs=0.5)
    assert bulkheads.turn("one", urgent=True) == pytest.approx(SOONEST, abs=0.5)


ASKED = Decision("next", Permit("two", 1), (Skipped("zero", "open", None),))


def test_full_providers_before_the_one_that_is_asked_are_skipped_with_the_reason():
    decision = with_skipped(ASKED, ["zero", "one", "two", "three"], ["zero", "two"])
    assert decision.skipped == (Skipped("zero", "open", None), Skipped("one", BULKHEAD, None))
    assert decision.permit == ASKED.permit


def test_where_nobody_is_asked_all_full_ones_are_skipped():
    decision = with_skipped(Decision("none"), ["one", "two"], [])
    assert [each.provider for each in decision.skipped] == ["one", "two"]


@pytest.mark.parametrize("decision", [ASKED, Decision("lease-lost"), Decision("retry")])
def test_a_decision_is_left_alone_where_nobody_was_full(decision):
    assert with_skipped(decision, ["zero", "two"], ["zero", "two"]) is decision
