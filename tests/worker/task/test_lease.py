"""A task's lease on real servers, with the time set by the test."""

import pytest

from tests.worker.admission.clocked_breaker import HOUR, SECOND, T0
from tests.worker.task.deliveries import begin, finish, pause
from worker.errors import ChainExhausted, ContentRefused, Revoked, TaskFailed
from worker.task import journal, lease
from worker.task.journal import Entry, RoundStart
from worker.task.lease import LEASE, PATIENCE, LeaseRenewer, LeaseResult
from worker.task.outcome import stored_result

LEASE_MS, PATIENCE_MS = round(LEASE * 1000), round(PATIENCE * 1000)
KEEP = 86_400


def test_the_first_delivery_takes_the_lease(store):
    now = T0 / 1000
    assert begin(store, "a") == LeaseResult("taken", now, now, 0, ())


def test_a_second_delivery_reads_how_long_the_first_one_holds_it(clock, store):
    begin(store, "a")
    clock.after(5 * SECOND)
    assert begin(store, "b") == LeaseResult("held", wait=LEASE - 5)


def test_a_delivery_that_asks_again_keeps_its_own_lease(clock, store):
    begin(store, "a")
    clock.after(5 * SECOND)
    assert begin(store, "a").kind == "taken"
    clock.after(LEASE_MS - 1)
    assert begin(store, "b").kind == "held"


def test_a_lease_runs_out(clock, store):
    begin(store, "a")
    clock.after(LEASE_MS - 1)
    assert begin(store, "b").wait == 0.001
    clock.after(1)
    assert begin(store, "b").kind == "taken"


def test_time_runs_from_the_first_delivery(clock, store):
    begin(store, "a")
    clock.after(HOUR)
    found = begin(store, "b")
    assert (found.first, found.now) == (T0 / 1000, (T0 + HOUR) / 1000)


def test_a_renewed_lease_lasts_as_long_again(clock, store):
    held = LeaseRenewer()
    begin(store, "a")
    held.add("task", "a")
    clock.after(LEASE_MS - 1)
    held.renew(store)
    clock.after(LEASE_MS - 1)
    assert begin(store, "b").kind == "held"


def test_who_lost_the_lease_does_not_renew_it(clock, store):
    held = LeaseRenewer()
    begin(store, "a")
    held.add("task", "a")
    clock.after(LEASE_MS)
    begin(store, "b")
    clock.after(LEASE_MS - 1)
    held.renew(store)
    clock.after(1)
    assert begin(store, "c").kind == "taken"


def test_a_lease_is_lost_where_another_delivery_has_the_task(clock, store):
    held = LeaseRenewer()
    begin(store, "a")
    held.add("task", "a")
    held.renew(store)
    assert not held.is_lost("a")
    clock.after(LEASE_MS)
    begin(store, "b")
    held.renew(store)
    assert held.is_lost("a")
    held.discard("task", "a")
    assert not held.is_lost("a")


def test_a_lease_is_not_lost_with_the_server_s_memory_of_it(store):
    held = LeaseRenewer()
    begin(store, "a")
    held.add("task", "a")
    store.redis.delete(store.keys.task("task"))
    held.renew(store)
    assert not held.is_lost("a")


def test_a_delivery_to_the_same_process_takes_the_lease_of_the_one_before():
    held = LeaseRenewer()
    held.add("task", "a")
    held.add("task", "a")
    assert not held.is_lost("a")
    held.add("task", "b")
    assert (held.is_lost("a"), held.is_lost("b")) == (True, False)


def test_a_lease_let_go_is_not_renewed(clock, store):
    held = LeaseRenewer()
    begin(store, "a")
    held.add("task", "a")
    held.discard("task", "another")  # of a delivery that was overtaken
    held.discard("task", "a")
    clock.after(LEASE_MS - 1)
    held.renew(store)
    clock.after(1)
    assert begin(store, "b").kind == "taken"


def test_a_task_that_goes_on_later_is_free_for_its_next_message_at_once(store):
    begin(store, "a")
    assert pause(store, "a", 1, 8.0) == ""
    found = begin(store, "b", step=1)
    assert (found.kind, found.step) == ("taken", 1)


def test_an_earlier_message_waits_for_the_later_one(clock, store):
    begin(store, "a")
    pause(store, "a", 1, 8.0)
    assert begin(store, "b", step=0) == LeaseResult("early", wait=8 + PATIENCE)
    clock.after(8 * SECOND + PATIENCE_MS - 1)
    assert begin(store, "b", step=0).kind == "early"


def test_an_earlier_message_goes_on_in_the_place_of_one_that_never_came(clock, store):
    begin(store, "a")
    pause(store, "a", 3, 8.0)
    clock.after(8 * SECOND + PATIENCE_MS)
    found = begin(store, "b", step=2)
    assert (found.kind, found.step) == ("taken", 3)


def test_a_delivery_that_lost_its_lease_neither_frees_it_nor_moves_the_step(clock, store):
    begin(store, "a")
    clock.after(LEASE_MS)
    begin(store, "b", step=1)
    pause(store, "a", 7, 0.0)
    assert begin(store, "c", step=1).kind == "held"
    pause(store, "b", 2, 0.0)
    assert begin(store, "c", step=2).step == 2


def test_an_answer_stands_for_every_delivery(store):
    begin(store, "a")
    assert finish(store, "a", {"said": "hello"}) == {"said": "hello"}
    found = begin(store, "b")
    assert (found.kind, stored_result(found.answer)) == ("answered", {"said": "hello"})


def test_the_first_answer_stands_whoever_gives_the_second(clock, store):
    begin(store, "a")
    clock.after(LEASE_MS)
    begin(store, "b")
    assert finish(store, "a", {"from": "a"}) == {"from": "a"}
    assert finish(store, "b", {"from": "b"}) == {"from": "a"}
    assert finish(store, "a", ChainExhausted("late")) == {"from": "a"}


@pytest.mark.parametrize("failure", [ChainExhausted("claude: 500"), ContentRefused("openai: no")])
def test_a_failure_for_good_stands_as_well(store, failure):
    begin(store, "a")
    finish(store, "a", failure)
    with pytest.raises(type(failure), match=f"^{failure}$"):
        finish(store, "a", {"said": "too late"})
    with pytest.raises(TaskFailed):
        stored_result(begin(store, "b").answer)


def test_an_answered_task_is_not_paused(store):
    begin(store, "a")
    finish(store, "a", {"said": "hello"})
    assert stored_result(pause(store, "a", 1, 0.0)) == {"said": "hello"}
    assert begin(store, "b", step=1).kind == "answered"


def test_the_journal_comes_with_the_lease(clock, store):
    lines = [Entry("alpha", "transient", 1.5, status=500), RoundStart(fresh=True), Entry("beta", "skipped", 2.0)]
    begin(store, "a")
    store.run(*journal.append(store, "task", lines[:1]))
    store.run(*journal.append(store, "task", lines[1:]))
    clock.after(LEASE_MS)
    assert begin(store, "b").journal == tuple(lines)


def test_a_task_s_keys_expire(clock, store):
    begin(store, "a")
    store.run(*journal.append(store, "task", [RoundStart(fresh=False)]))
    assert clock.server.ttl(store.keys.task("task")) == clock.server.ttl(store.keys.journal("task")) == KEEP


@pytest.mark.parametrize("touch", ["begin", "renew", "pause", "finish"])
def test_every_touch_lets_a_task_s_key_live_as_long_again(clock, store, touch):
    begin(store, "a")
    clock.server.expire(store.keys.task("task"), 10)
    held = LeaseRenewer()
    held.add("task", "a")
    {
        "begin": lambda: begin(store, "a"),
        "renew": lambda: held.renew(store),
        "pause": lambda: pause(store, "a", 1, 0.0),
        "finish": lambda: finish(store, "a", {}),
    }[touch]()
    assert clock.server.ttl(store.keys.task("task")) == KEEP


def test_a_task_that_nobody_began_is_not_made_by_letting_it_go(clock, store):
    pause(store, "a", 1, 0.0)
    LeaseRenewer().renew(store)
    assert not clock.server.exists(store.keys.task("task"))


def test_no_two_deliveries_have_one_lease_id():
    assert len({lease.new_lease_id() for _ in range(1000)}) == 1000


def test_what_was_taken_back_is_not_begun_and_its_late_answer_comes_to_nothing(store):
    begin(store, "a")
    assert lease.revoke(store, ["task"]) == ["task"]
    assert begin(store, "b").kind == "answered"
    with pytest.raises(Revoked):
        finish(store, "a", {"id": "late"})
    assert store.redis.ttl(store.keys.task("task")) >= KEEP - 1


def test_what_was_taken_back_can_be_taken_back_again(store):
    assert [lease.revoke(store, ["task"]) for _ in range(2)] == [["task"], ["task"]]


@pytest.mark.parametrize("outcome", [{"id": "first"}, ContentRefused("Revoked")])
def test_what_has_ended_is_not_taken_back(store, outcome):
    finish(store, "a", outcome)
    assert lease.revoke(store, ["task", "other"]) == ["other"]
