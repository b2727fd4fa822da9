"""The waiting rooms on real servers, with the time set by the test: who leaves them, in which order, at which pace."""

import json

import pytest

from tests.worker.clocked_breaker import MINUTE, SECOND, T0, ClockedBreaker, attempted
from worker.call import Waiting
from worker.waiting import InHand, Released, park, release

TICK, MOST = 250, 50
LATER = T0 + 10 * MINUTE
LISTS = "completions:"


class Rooms:
    """Completions that wait for providers of a breaker's chain, in the order in which they came."""

    def __init__(self, server):
        self.breaker = ClockedBreaker(server)
        self.server, self.store = server, self.breaker.store

    def hand(self, tag, message="{}", age=0.0):
        """Gives a message to a worker, as kombu does."""
        self.server.hset("unacked", tag, f'[{message}, "completions", "completions"]')
        self.server.zadd("unacked_index", {tag: age})
        return InHand("unacked", "unacked_index", tag)

    def park(self, name, *providers, priority=6, deadline=LATER, message=None):
        waiting = Waiting(providers or ("alpha",), priority, deadline / 1000)
        message = json.dumps(name) if message is None else message
        return park(self.store, name, waiting, self.hand(f"tag-{name}", message))

    def fill(self, number, *providers, **fields):
        for i in range(number):
            self.park(f"{fields.get('priority', 6)}-{i}", *providers, **fields)
            self.breaker.after(1)

    def release(self):
        return release(self.store, LISTS)

    def tick(self):
        """Releases once the next tick has come, and returns who left."""
        self.breaker.after(TICK)
        self.release()
        return self.left()

    def left(self):
        """Takes the messages out of the queue's lists and returns them, in the order in which a worker would."""
        messages = []
        for priority in (3, 6, 9):
            while (message := self.server.rpop(f"{LISTS}{priority}")) is not None:
                messages.append(json.loads(message))
        return messages

    def answer(self, times, name="alpha"):
        for _ in range(times):
            self.breaker.call("success", name=name)


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
    assert rooms.server.rpop(f"{LISTS}6") == message


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
    assert 0 < rooms.server.pttl(rooms.store.waiting("pace")) <= 10 * TICK


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


def test_a_higher_priority_leaves_before_any_lower_one(rooms):
    for priority in (9, 6, 3):
        rooms.fill(2, priority=priority)
    assert [rooms.tick()[0] for _ in range(6)] == ["3-0", "3-1", "6-0", "6-1", "9-0", "9-1"]


def test_what_a_higher_priority_does_not_use_is_the_next_one_s(rooms):
    rooms.fill(20, priority=9)
    rooms.fill(2, priority=3)
    rooms.tick()
    rooms.answer(4)
    assert rooms.tick() == ["3-1", "9-0", "9-1", "9-2", "9-3"]


def test_rooms_for_different_providers_do_not_hold_each_other_up(rooms):
    rooms.fill(2, "alpha", priority=3)
    rooms.fill(2, "beta", priority=9)
    assert [rooms.tick(), rooms.tick()] == [["3-0", "9-0"], ["3-1", "9-1"]]


@pytest.mark.parametrize(("answers", "leave"), [(0, 1), (1, 2), (4, 5), (20, 25), (100, MOST)])
def test_in_each_tick_a_quarter_more_leave_than_were_answered_in_the_last(rooms, answers, leave):
    rooms.fill(80)
    rooms.tick()
    rooms.answer(answers)
    assert len(rooms.tick()) == leave


def test_answers_from_before_anybody_waited_do_not_count(rooms):
    rooms.answer(20)
    rooms.fill(10)
    assert len(rooms.tick()) == 1


@pytest.mark.parametrize(("answers", "leave"), [(0, 1), (1, 1), (8, 4)])
def test_after_a_failure_half_as_many_leave_as_were_answered_since(rooms, answers, leave):
    rooms.fill(40)
    rooms.tick()
    rooms.answer(20)
    rooms.breaker.call("failure")
    rooms.answer(answers)
    assert len(rooms.tick()) == leave
    rooms.answer(4)
    assert len(rooms.tick()) == 5


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
    rooms.fill(MOST + 10, deadline=T0)
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
