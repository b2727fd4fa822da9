"""Who leaves the waiting rooms when, in which order, and at which pace."""

import pytest

from tests.worker.clocked_breaker import SECOND, T0, attempted
from tests.worker.waiting_rooms import MOST, TICK, Rooms


@pytest.fixture
def rooms(every_redis):
    return Rooms(every_redis)


def test_nobody_leaves_for_a_provider_that_does_not_admit(rooms):
    rooms.breaker.trip()
    rooms.fill(3)
    assert (rooms.tick(), rooms.release().waiting) == ([], 3)


@pytest.mark.parametrize("action", ["closed", "reset"])
def test_an_operator_s_hand_counts_at_once(rooms, action):
    rooms.breaker.trip()
    rooms.park("one")
    rooms.breaker.control(action)
    assert rooms.tick() == ["one"]


def test_a_probe_that_ends_a_lock_out_counts_at_once(rooms):
    rooms.breaker.call("authentication")
    rooms.park("one")
    assert rooms.tick() == []
    rooms.breaker.probe()
    assert rooms.tick() == ["one"]


def test_any_of_its_providers_will_do(rooms):
    rooms.breaker.trip()
    rooms.park("one", "alpha", "beta")
    rooms.park("two", "alpha")
    assert [rooms.tick(), rooms.tick()] == [["one"], []]


def test_the_first_to_come_leaves_first(rooms):
    rooms.fill(3)
    assert [rooms.tick() for _ in range(4)] == [["6-0"], ["6-1"], ["6-2"], []]


def test_who_comes_anew_keeps_its_turn(rooms):
    rooms.fill(3)
    assert rooms.tick() == ["6-0"]
    rooms.server.hset(rooms.store.task("6-0"), "first", T0)
    rooms.park("6-0")
    assert rooms.tick() == ["6-0"]


def test_a_higher_priority_leaves_before_any_lower_one(rooms):
    for priority in (9, 6, 3):
        rooms.fill(2, priority=priority)
    assert [rooms.tick()[0] for _ in range(6)] == ["3-0", "3-1", "6-0", "6-1", "9-0", "9-1"]


def test_what_a_higher_priority_does_not_use_is_the_next_one_s(rooms):
    rooms.fill(20, priority=9)
    rooms.fill(2, priority=3)
    rooms.tick()
    rooms.widen(5)
    assert rooms.tick() == ["3-1", "9-0", "9-1", "9-2", "9-3"]


def test_a_provider_that_many_wait_for_keeps_no_other_s_from_leaving(rooms):
    rooms.fill(20, "alpha", priority=3)
    rooms.fill(2, "beta", priority=9)
    left = [name for _ in range(SECOND // TICK + 1) for name in rooms.tick()]
    assert [name for name in left if name.startswith("9")] == ["9-0", "9-1"]
    assert len(left) == SECOND // TICK + 1 + 2


@pytest.mark.parametrize(("answers", "leave"), [(0, 1), (1, 1), (2, 2), (300, 2)])
def test_a_provider_is_sent_more_by_half_of_what_it_answers_but_by_one_a_tick(rooms, answers, leave):
    rooms.fill(10)
    rooms.tick()
    rooms.answer(answers)
    assert len(rooms.tick()) == leave


def test_those_who_leave_at_once_are_bounded(rooms):
    rooms.fill(80)
    rooms.tick()
    rooms.widen(MOST + 2)
    assert len(rooms.tick()) == MOST


@pytest.mark.parametrize(("in_hand", "leave"), [(0, 6), (4, 2), (6, 0), (9, 0)])
def test_what_the_workers_have_in_hand_counts(rooms, in_hand, leave):
    rooms.fill(10)
    rooms.tick()
    rooms.widen(6)
    for i in range(in_hand):
        rooms.hand(f"{i}")
    assert len(rooms.tick()) == leave


@pytest.mark.parametrize(("priority", "leave"), [(0, 4), (3, 4), (6, 4), (9, 6)])
def test_what_is_ahead_in_the_queue_counts(rooms, priority, leave):
    rooms.fill(10)
    rooms.tick()
    rooms.widen(6)
    for _ in range(2):
        rooms.server.lpush(f"completions:{priority}" if priority else "completions", '"fresh"')
    left = rooms.tick()
    assert len(left) - left.count("fresh") == leave


def test_one_leaves_each_second_whatever_is_in_hand(rooms):
    rooms.fill(10)
    rooms.hand("others")
    left = [len(rooms.tick()) for _ in range(3 * SECOND // TICK)]
    assert [tick for tick, number in enumerate(left) if number] == [0, 10, 20]
    assert sum(left) == 3


def test_answers_from_before_anybody_waited_do_not_count(rooms):
    rooms.answer(20)
    rooms.fill(10)
    assert [len(rooms.tick()) for _ in range(2)] == [1, 1]


def test_after_a_failure_a_provider_is_sent_less_and_then_slowly_more(rooms):
    rooms.fill(60)
    rooms.tick()
    rooms.widen(8)
    assert len(rooms.tick()) == 8
    fail(rooms, "overloaded 529")
    assert len(rooms.tick()) == 6
    rooms.answer(50)
    assert len(rooms.tick()) == 6
    rooms.answer(12)
    assert len(rooms.tick()) == 7


def test_two_transient_failures_in_a_hundred_calls_are_borne(rooms):
    rooms.fill(60)
    rooms.tick()
    rooms.widen(8)
    left = []
    for _ in range(3):
        fail(rooms, "transient 500")
        left.append(len(rooms.tick()))
    assert left == [8, 8, 6]


def test_after_a_rate_limit_it_begins_anew(rooms):
    rooms.fill(60)
    rooms.tick()
    rooms.widen(8)
    rooms.tick()
    rooms.breaker.call("rate-limited", retry_after=SECOND)
    assert rooms.tick() == []
    rooms.breaker.after(SECOND)
    assert len(rooms.tick()) == 1


def test_after_an_outage_it_begins_anew(rooms):
    rooms.fill(60)
    rooms.tick()
    rooms.widen(8)
    rooms.tick()
    rooms.breaker.trip()
    rooms.tick()
    rooms.breaker.control("reset")
    assert [len(rooms.tick()) for _ in range(2)] == [1, 1]


def test_while_half_open_one_leaves_at_a_time(rooms):
    rooms.breaker.trip()
    rooms.fill(10)
    rooms.breaker.at(rooms.breaker.fields()["open_until"])
    assert len(rooms.tick()) == 1
    permit = rooms.breaker.permit()
    assert rooms.tick() == []
    rooms.breaker.record(attempted(permit, "success"))
    assert len(rooms.tick()) == 1


def test_between_two_ticks_nobody_leaves_whoever_asks(rooms):
    rooms.fill(3)
    rooms.tick()
    rooms.breaker.after(TICK - 1)
    rooms.release()
    assert rooms.left() == []


def fail(rooms, said):
    rooms.breaker.record(attempted(rooms.breaker.permit(), "failure", failure=said))
