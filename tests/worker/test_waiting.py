"""The waiting rooms: what comes in, what leaves, and in which batches."""

import json

import pytest

from tests.worker.clocked_breaker import SECOND, T0
from tests.worker.waiting_rooms import LATER, LISTS, MOST, Rooms
from worker.call import Waiting
from worker.waiting import InHand, Released, park


@pytest.fixture
def rooms(every_redis):
    return Rooms(every_redis)


def test_a_message_that_waits_is_in_no_worker_s_hands(rooms):
    assert rooms.park("one")
    assert rooms.server.hlen("unacked") == rooms.server.zcard("unacked_index") == 0
    assert rooms.release() == Released(more=False, waiting=0)
    assert rooms.left() == ["one"]


def test_one_that_is_not_in_hand_any_more_does_not_wait(rooms):
    waiting = Waiting(("alpha",), 6, LATER / 1000)
    assert not park(rooms.store, "one", waiting, InHand("unacked", "unacked_index", "gone"))
    assert rooms.release().waiting == 0


@pytest.mark.parametrize(
    "message", ['{"a": [], "b": {}, "c": 1.0}', '{"body": "\\"], \\"x\\", \\"y\\"]"}', '"\u00e9\\n"']
)
def test_it_comes_back_byte_by_byte(rooms, message):
    rooms.park("one", message=message)
    rooms.release()
    assert rooms.server.rpop(LISTS[2]) == message


def test_a_second_message_of_a_task_that_waits_is_let_go(rooms):
    rooms.park("one")
    assert rooms.park("one", message='"another"')
    assert rooms.server.hlen("unacked") == 0
    assert [rooms.tick(), rooms.tick()] == [["one"], []]


def test_who_has_left_leaves_nothing_behind_that_does_not_expire(rooms):
    rooms.fill(2)
    rooms.park("late", deadline=T0)
    kept = {rooms.breaker.key(), rooms.store.events, "{fallback}:clock", rooms.store.waiting("pace")}
    rooms.breaker.trip()
    rooms.breaker.control("reset")
    for _ in range(3):
        rooms.tick()
    assert set(rooms.server.keys()) <= kept
    assert 0 < rooms.server.pttl(rooms.store.waiting("pace")) <= 10 * SECOND


def test_who_has_no_time_left_leaves_though_nobody_admits(rooms):
    rooms.breaker.trip()
    rooms.park("late", deadline=T0 + 5 * SECOND)
    rooms.park("early")
    rooms.breaker.at(T0 + 5 * SECOND - 1)
    rooms.release()
    assert rooms.left() == []
    rooms.breaker.after(1)
    rooms.release()
    assert rooms.left() == ["late"]


def test_those_without_time_leave_in_bounded_batches_that_wait_for_no_tick(rooms):
    rooms.fill(MOST, deadline=T0)
    rooms.fill(10, deadline=T0, priority=9)
    assert rooms.release() == Released(more=True, waiting=10)
    assert rooms.release() == Released(more=False, waiting=0)
    assert len(rooms.left()) == MOST + 10


def test_a_batch_is_bounded_in_bytes_too(rooms):
    for i in range(4):
        rooms.park(f"{i}", deadline=T0, message=json.dumps(400_000 * "x"))
    assert [rooms.release().waiting, rooms.release().waiting] == [2, 0]


def test_a_message_larger_than_a_batch_leaves_alone(rooms):
    for i in range(2):
        rooms.park(f"{i}", deadline=T0, message=json.dumps(2_000_000 * "x"))
    assert [rooms.release().waiting, rooms.release().waiting] == [1, 0]
