"""Groups of parked completions: what comes in, what leaves, and in which batches."""

import json

import pytest

from tests.worker.admission.clocked_breaker import SECOND, T0
from tests.worker.task.parking_lot import LATER, LISTS, MOST, ParkingLot
from worker.task.parking import Parked, ParkUntil, Released, UnackedMessage, by_chain, park


@pytest.fixture
def lot(every_redis):
    return ParkingLot(every_redis)


def test_a_parked_message_is_with_no_worker(lot):
    assert lot.park("one")
    assert lot.server.hlen("unacked") == lot.server.zcard("unacked_index") == 0
    assert lot.release() == Released(more=False, parked=0)
    assert lot.left() == ["one"]


def test_one_that_is_not_in_hand_any_more_is_not_parked(lot):
    until = ParkUntil(("alpha",), 6, LATER / 1000, "patient")
    assert not park(lot.store, "one", until, UnackedMessage("unacked", "unacked_index", "gone"))
    assert lot.release().parked == 0


@pytest.mark.parametrize(
    "message", ['{"a": [], "b": {}, "c": 1.0}', '{"body": "\\"], \\"x\\", \\"y\\"]"}', '"\u00e9\\n"']
)
def test_it_comes_back_byte_by_byte(lot, message):
    lot.park("one", message=message)
    lot.release()
    assert lot.server.rpop(LISTS[2]) == message


def test_a_second_message_of_a_parked_task_is_dropped(lot):
    lot.park("one")
    assert lot.park("one", message='"another"')
    assert lot.server.hlen("unacked") == 0
    assert [lot.tick(), lot.tick()] == [["one"], []]


def test_those_of_a_chain_are_counted_until_they_leave(lot):
    lot.fill(2)
    chains = ("patient", "default")
    assert by_chain(lot.store, chains) == {"patient": Parked(2, T0 / 1000), "default": Parked(0, 0.0)}
    lot.tick()
    assert by_chain(lot.store, chains)["patient"] == Parked(1, (T0 + 1) / 1000)
    lot.breaker.after(SECOND)
    lot.tick()
    assert by_chain(lot.store, chains)["patient"] == Parked(0, 0.0)


def test_who_left_by_a_worker_of_the_release_before_is_not_counted_for_ever(lot):
    lot.fill(3)
    for name in ("6-0", "6-1"):  # as its release.lua does, which knows of no chains
        lot.server.hdel(lot.store.keys.parked(), name)
        lot.server.zrem(lot.store.keys.parked("group", "6:alpha"), name)
    lot.breaker.trip()
    lot.tick()
    assert by_chain(lot.store, ("patient",)) == {"patient": Parked(1, (T0 + 2) / 1000)}
    lot.server.delete(lot.store.keys.parked(), lot.store.keys.parked("groups"))
    lot.tick()
    assert by_chain(lot.store, ("patient",)) == {"patient": Parked(0, 0.0)}
    assert not lot.server.exists(lot.store.keys.parked("chains"))


def test_who_has_left_leaves_nothing_behind_that_does_not_expire(lot):
    lot.fill(2)
    lot.park("late", deadline=T0)
    kept = {lot.breaker.key(), lot.store.keys.events, "{fallback}:2:clock", lot.store.keys.parked("flow")}
    kept |= {lot.store.keys.metrics}
    lot.breaker.trip()
    lot.breaker.control("reset")
    for _ in range(3):
        lot.tick()
    assert set(lot.server.keys()) <= kept
    assert 0 < lot.server.pttl(lot.store.keys.parked("flow")) <= 10 * SECOND


def test_who_has_no_time_left_leaves_though_nobody_admits(lot):
    lot.breaker.trip()
    lot.park("late", deadline=T0 + 5 * SECOND)
    lot.park("early")
    lot.breaker.at(T0 + 5 * SECOND - 1)
    lot.release()
    assert lot.left() == []
    lot.breaker.after(1)
    lot.release()
    assert lot.left() == ["late"]


def test_those_without_time_leave_in_bounded_batches_that_wait_for_no_tick(lot):
    lot.fill(MOST, deadline=T0)
    lot.fill(10, deadline=T0, priority=9)
    assert lot.release() == Released(more=True, parked=10)
    assert lot.release() == Released(more=False, parked=0)
    assert len(lot.left()) == MOST + 10


def test_a_batch_is_bounded_in_bytes_too(lot):
    for i in range(4):
        lot.park(f"{i}", deadline=T0, message=json.dumps(400_000 * "x"))
    assert [lot.release().parked, lot.release().parked] == [2, 0]


def test_a_message_larger_than_a_batch_leaves_alone(lot):
    for i in range(2):
        lot.park(f"{i}", deadline=T0, message=json.dumps(2_000_000 * "x"))
    assert [lot.release().parked, lot.release().parked] == [1, 0]
