"""Dead letters, and their replay; on real servers, with the time set by the test."""

from tests.worker.admission.clocked_breaker import SECOND, T0
from tests.worker.task.deliveries import begin, finish
from worker.errors import ChainExhausted
from worker.task import dead_letters, journal
from worker.task.journal import Entry
from worker.task.lease import LEASE

REQUEST = {"messages": [{"role": "user", "content": "Say hello."}]}
FAILED = ChainExhausted("claude: 500")


def keep(store, task_id="task"):
    store.run(dead_letters.keep(store, task_id, "default", REQUEST, FAILED))


def fail(store, lease_id="a"):
    begin(store, lease_id)
    keep(store)
    finish(store, lease_id, FAILED)


def replay(store, at_ms=T0):
    return store.run(dead_letters.replay(store, "task", at_ms))[0]


def newest(store, limit=10):
    return [dead_letter.task_id for dead_letter in dead_letters.newest(store, limit)]


def test_a_failure_is_kept_with_its_time_chain_error_and_message(store):
    fail(store)
    dead_letter = dead_letters.DeadLetter("task", T0, "default", "ChainExhausted", "claude: 500")
    assert dead_letters.newest(store, 10) == [dead_letter]


def test_its_request_is_kept_as_it_was(store):
    fail(store)
    assert dead_letters.request(store, dead_letters.find(store, "task")) == REQUEST


def test_the_newest_come_first_and_no_more_than_asked_for(clock, store):
    for task in ("one", "two", "three"):
        keep(store, task)
        clock.after(SECOND)
    assert newest(store, 2) == ["three", "two"]


def test_those_of_the_last_seconds_alone_can_be_asked_for(clock, store):
    keep(store, "long ago")
    seconds, _ = store.redis.time()
    clock.at(1000 * seconds)
    keep(store)
    assert [dead_letter.task_id for dead_letter in dead_letters.newest(store, 10, 60.0)] == ["task"]


def test_a_failure_that_comes_when_an_outcome_stands_is_not_kept(store):
    begin(store, "a")
    finish(store, "a", {"said": "hello"})
    keep(store)
    assert newest(store) == []


def test_the_oldest_goes_when_there_are_too_many(clock, store):
    store.max_dead_letters = 2
    for task in ("one", "two", "three"):
        keep(store, task)
        clock.after(1)
    assert clock.server.zrange(store.keys.dead_letters, 0, -1) == ["two", "three"]
    assert not clock.server.exists(store.keys.dead_letter("one"))


def test_none_is_kept_where_none_may_be(clock, store):
    store.max_dead_letters = 0
    keep(store)
    assert (newest(store), clock.server.exists(store.keys.dead_letter("task"))) == ([], 0)


def test_one_that_outlived_its_time_goes_when_another_comes(clock, store):
    keep(store, "old")
    clock.after(store.expires * SECOND + 1)
    keep(store, "new")
    assert clock.server.zrange(store.keys.dead_letters, 0, -1) == ["new"]


def test_its_keys_live_as_long_as_a_result(clock, store):
    keep(store)
    assert (
        clock.server.ttl(store.keys.dead_letters) == clock.server.ttl(store.keys.dead_letter("task")) == store.expires
    )


def test_a_replay_begins_the_task_anew_and_takes_it_off_the_list(clock, store):
    fail(store)
    clock.after(SECOND)
    assert replay(store) == 1
    assert begin(store, "b").first == (T0 + SECOND) / 1000
    assert (newest(store), clock.server.exists(store.keys.dead_letter("task"))) == ([], 0)


def test_a_replay_begins_without_the_journal_that_led_to_the_failure_and_keeps_it(store):
    before, after = Entry("alpha", "transient", 1.0), Entry("alpha", "transient", 2.0)
    store.run(*journal.append(store, "task", [before]))
    fail(store)
    replay(store)
    store.run(*journal.append(store, "task", [after]))
    assert begin(store, "b").journal == (after,)
    assert store.redis.llen(store.keys.journal("task")) == 2


def test_the_same_replay_delivered_again_finds_the_task_as_the_first_left_it(store):
    fail(store)
    replay(store)
    begin(store, "b")
    assert replay(store) == 0
    assert begin(store, "c").kind == "held"


def test_a_replay_that_failed_again_can_be_replayed_again(clock, store):
    fail(store)
    clock.after(SECOND)
    replay(store)
    fail(store, "b")
    assert replay(store) == 0
    assert replay(store, T0 + SECOND) == 1


def test_a_failure_that_was_answered_since_is_not_replayed(store):
    keep(store)  # as of a bad request, which never began: its producer mended it
    begin(store, "a")
    finish(store, "a", {"said": "hello"})
    assert (replay(store), dead_letters.find(store, "task")) == (0, None)


def test_a_failure_that_somebody_is_at_work_on_is_not_replayed_meanwhile(clock, store):
    keep(store)
    begin(store, "a")
    assert replay(store) == 0
    clock.after(round(LEASE * SECOND))
    assert replay(store) == 1


def test_what_never_failed_is_not_replayed(store):
    begin(store, "a")
    assert (replay(store), dead_letters.find(store, "task")) == (0, None)
