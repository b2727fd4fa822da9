"""Flow control: which parked completions leave when, in which order, and how many."""

import pytest

from config.limits import Limits
from tests.worker.admission.clocked_breaker import SECOND, T0, attempted
from tests.worker.task.parking_lot import MOST, TICK, ParkingLot


@pytest.fixture
def lot(every_redis):
    return ParkingLot(every_redis)


def test_nobody_leaves_for_a_provider_that_does_not_admit(lot):
    lot.breaker.trip()
    lot.fill(3)
    assert (lot.tick(), lot.release().parked) == ([], 3)


@pytest.mark.parametrize("action", ["closed", "reset"])
def test_a_manual_override_counts_at_once(lot, action):
    lot.breaker.trip()
    lot.park("one")
    lot.breaker.control(action)
    assert lot.tick() == ["one"]


def test_a_probe_that_ends_an_authentication_lock_counts_at_once(lot):
    lot.breaker.call("authentication")
    lot.park("one")
    assert lot.tick() == []
    lot.breaker.probe()
    assert lot.tick() == ["one"]


def test_any_of_its_providers_will_do(lot):
    lot.breaker.trip()
    lot.park("one", "alpha", "beta")
    lot.park("two", "alpha")
    assert [lot.tick(), lot.tick()] == [["one"], []]


def test_the_first_to_come_leaves_first(lot):
    lot.fill(3)
    assert [lot.tick() for _ in range(4)] == [["6-0"], ["6-1"], ["6-2"], []]


def test_who_comes_anew_keeps_its_turn(lot):
    lot.fill(3)
    assert lot.tick() == ["6-0"]
    lot.server.hset(lot.store.keys.task("6-0"), "first", T0)
    lot.park("6-0")
    assert lot.tick() == ["6-0"]


def test_a_higher_priority_leaves_before_any_lower_one(lot):
    for priority in (9, 6, 3):
        lot.fill(2, priority=priority)
    assert [lot.tick()[0] for _ in range(6)] == ["3-0", "3-1", "6-0", "6-1", "9-0", "9-1"]


def test_what_a_higher_priority_does_not_use_is_the_next_one_s(lot):
    lot.fill(20, priority=9)
    lot.fill(2, priority=3)
    lot.tick()
    lot.widen(5)
    assert lot.tick() == ["3-1", "9-0", "9-1", "9-2", "9-3"]


def test_a_provider_with_a_large_group_keeps_no_other_group_from_leaving(lot):
    lot.fill(20, "alpha", priority=3)
    lot.fill(2, "beta", priority=9)
    left = [name for _ in range(SECOND // TICK + 1) for name in lot.tick()]
    assert [name for name in left if name.startswith("9")] == ["9-0", "9-1"]
    assert len(left) == SECOND // TICK + 1 + 2


@pytest.mark.parametrize(("answers", "leave"), [(0, 1), (1, 1), (2, 2), (300, 2)])
def test_a_provider_is_sent_more_by_half_of_what_it_answers_but_by_one_a_tick(lot, answers, leave):
    lot.fill(10)
    lot.tick()
    lot.answer(answers)
    assert len(lot.tick()) == leave


def test_those_who_leave_at_once_are_bounded(lot):
    lot.fill(80)
    lot.tick()
    lot.widen(MOST + 2)
    assert len(lot.tick()) == MOST


@pytest.mark.parametrize(("in_hand", "leave"), [(0, 6), (4, 2), (6, 0), (9, 0)])
def test_what_the_workers_have_in_hand_counts(lot, in_hand, leave):
    lot.fill(10)
    lot.tick()
    lot.widen(6)
    for i in range(in_hand):
        lot.hand(f"{i}")
    assert len(lot.tick()) == leave


@pytest.mark.parametrize(("priority", "leave"), [(0, 4), (3, 4), (6, 4), (9, 6)])
def test_what_is_ahead_in_the_queue_counts(lot, priority, leave):
    lot.fill(10)
    lot.tick()
    lot.widen(6)
    for _ in range(2):
        lot.server.lpush(f"completions:{priority}" if priority else "completions", '"fresh"')
    left = lot.tick()
    assert len(left) - left.count("fresh") == leave


def test_one_leaves_each_second_whatever_is_in_hand(lot):
    lot.fill(10)
    lot.hand("others")
    left = [len(lot.tick()) for _ in range(3 * SECOND // TICK)]
    assert [tick for tick, number in enumerate(left) if number] == [0, 10, 20]
    assert sum(left) == 3


def test_answers_from_before_anything_was_parked_do_not_count(lot):
    lot.answer(20)
    lot.fill(10)
    assert [len(lot.tick()) for _ in range(2)] == [1, 1]


def test_after_a_failure_a_provider_is_sent_less_and_then_slowly_more(lot):
    lot.fill(60)
    lot.tick()
    lot.widen(8)
    assert len(lot.tick()) == 8
    fail(lot, "overloaded 529")
    assert len(lot.tick()) == 6
    lot.answer(50)
    assert len(lot.tick()) == 6
    lot.answer(12)
    assert len(lot.tick()) == 7


def test_two_transient_failures_in_a_hundred_calls_are_borne(lot):
    lot.fill(60)
    lot.tick()
    lot.widen(8)
    left = []
    for _ in range(3):
        fail(lot, "transient 500")
        left.append(len(lot.tick()))
    assert left == [8, 8, 6]


def test_after_a_rate_limit_it_begins_anew(lot):
    lot.fill(60)
    lot.tick()
    lot.widen(8)
    lot.tick()
    lot.breaker.call("rate-limited", retry_after=SECOND)
    assert lot.tick() == []
    lot.breaker.after(SECOND)
    assert len(lot.tick()) == 1


def test_after_an_outage_it_begins_anew(lot):
    lot.fill(60)
    lot.tick()
    lot.widen(8)
    lot.tick()
    lot.breaker.trip()
    lot.tick()
    lot.breaker.control("reset")
    assert [len(lot.tick()) for _ in range(2)] == [1, 1]


def test_while_half_open_one_leaves_at_a_time(lot):
    lot.breaker.trip()
    lot.fill(10)
    lot.breaker.at(lot.breaker.fields()["open_until"])
    assert len(lot.tick()) == 1
    permit = lot.breaker.permit()
    assert lot.tick() == []
    lot.breaker.record(attempted(permit, "success"))
    assert len(lot.tick()) == 1


def test_between_two_ticks_nobody_leaves_whoever_asks(lot):
    lot.fill(3)
    lot.tick()
    lot.breaker.after(TICK - 1)
    lot.release()
    assert lot.left() == []


def fail(lot, said):
    lot.breaker.record(attempted(lot.breaker.permit(), "failure", failure=said))


def test_no_more_leave_than_the_limits_admit(every_redis):
    lot = ParkingLot(every_redis, Limits(concurrency=3))
    lot.fill(9)
    lot.tick()
    lot.widen(6)
    lot.breaker.acquire("alpha")
    assert len(lot.tick()) == 2


def test_nobody_leaves_for_a_provider_whose_limit_is_met(every_redis):
    lot = ParkingLot(every_redis, Limits(requests_per_minute=1))
    lot.breaker.acquire("alpha")
    lot.fill(3)
    lot.breaker.after(60 * SECOND)
    assert lot.tick() == []
    lot.breaker.after(SECOND)
    assert len(lot.tick()) == 1
