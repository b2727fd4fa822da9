"""What a task's id stands for: fingerprints, and the scripts that compare them on real servers."""

from datetime import datetime

import pytest

from tests.worker.admission.clocked_breaker import SECOND, T0
from worker.errors import ChainExhausted, Revoked, TaskIdReused
from worker.store.store import KEEP
from worker.task import dead_letters, identity, lease
from worker.task.identity import claim, fingerprint
from worker.task.lease import LEASE, LeaseResult

REQUEST = {"messages": [{"role": "user", "content": "Say hello."}], "temperature": 0.5}
ONE, OTHER = fingerprint(REQUEST), fingerprint({**REQUEST, "temperature": 0.6})


def begin(store, lease_id="a", request=ONE):
    return lease.parse_begin_reply(store.run(lease.begin(store, "task", lease_id, 0, request))[0])


def finish(store, outcome, lease_id="a"):
    store.run(lease.finish(store, "task", lease_id, outcome))


def reuses(store):
    return [event for _, event in store.redis.xrange(store.keys.events) if event["type"] == "task-id-reused"]


def test_the_order_of_fields_is_no_part_of_a_request():
    assert fingerprint(dict(reversed(REQUEST.items()))) == ONE


@pytest.mark.parametrize("changed", [{"temperature": 0.6}, {"seed": 1}, {"messages": []}, {"temperature": None}])
def test_every_value_is_part_of_it(changed):
    assert fingerprint({**REQUEST, **changed}) != ONE


def test_the_order_of_a_list_is_part_of_it():
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_two_forms_of_one_text_have_one_fingerprint():
    assert fingerprint(REQUEST, dict(REQUEST)) == ONE
    assert len(fingerprint(REQUEST, [])) == 2 * len(ONE) + 1


@pytest.mark.parametrize("text", ["\ud800", "é", "\x00"])
def test_any_text_of_a_message_has_one(text):
    assert fingerprint(text) == fingerprint(text) != ONE


def test_what_celery_reads_as_a_date_has_one():
    now = datetime.fromisoformat("2026-11-24T00:00:00")
    assert fingerprint({"at": now}) == fingerprint({"at": now}) != fingerprint({"at": None})


def test_the_first_delivery_leaves_the_fingerprint_of_its_request(store):
    begin(store)
    assert store.redis.hget(store.keys.task("task"), "request") == ONE


def test_another_request_takes_no_lease_even_where_the_first_one_s_ran_out(clock, store):
    begin(store)
    clock.after(round(LEASE * SECOND))
    assert begin(store, "b", OTHER) == LeaseResult("other")
    assert store.redis.hget(store.keys.task("task"), "holder") == "a"


def test_another_request_is_given_the_first_one_s_answer(store):
    begin(store)
    finish(store, {"said": "hello"})
    found = begin(store, "b", OTHER)
    assert (found.kind, identity.outcome(found, "task")) == ("other", {"said": "hello"})


def test_another_request_learns_that_the_first_one_failed(store):
    begin(store)
    finish(store, ChainExhausted("claude: 500"))
    with pytest.raises(ChainExhausted, match=r"^claude: 500$"):
        identity.outcome(begin(store, "b", OTHER), "task")


def test_another_request_while_the_first_has_no_outcome_is_an_error(store):
    begin(store)
    with pytest.raises(TaskIdReused, match=r"^task$"):
        identity.outcome(begin(store, "b", OTHER), "task")


def test_another_request_is_an_event_that_names_the_task(store):
    begin(store)
    begin(store, "b")
    assert reuses(store) == []
    begin(store, "b", OTHER)
    assert reuses(store) == [{"type": "task-id-reused", "provider": "", "at_ms": str(T0), "request": "task"}]


def test_another_request_is_one_line_in_the_log(store, caplog):
    begin(store)
    finish(store, {})
    identity.outcome(begin(store, "b"), "task")
    assert caplog.messages == []
    identity.outcome(begin(store, "b", OTHER), "task")
    assert caplog.messages == ["task-id-reused task=task"]


def test_the_same_request_is_delivered_again_as_ever(clock, store):
    begin(store)
    assert begin(store, "b").kind == "held"
    clock.after(round(LEASE * SECOND))
    assert begin(store, "b").kind == "taken"


def test_one_form_in_common_makes_two_requests_the_same(clock, store):
    begin(store, "a", fingerprint("by name", REQUEST))
    clock.after(round(LEASE * SECOND))
    assert begin(store, "b", ONE).kind == "taken"
    assert claim(store, "task", ONE)
    assert begin(store, "c", fingerprint("by name", "as another version has it")).kind == "held"
    assert begin(store, "c", fingerprint("another's", "as another version has it")).kind == "other"


@pytest.mark.parametrize("before", ["", None])
def test_the_first_delivery_with_a_fingerprint_gives_one_to_a_task_without(clock, store, before):
    begin(store, "older", "")
    if before is None:
        store.redis.hdel(store.keys.task("task"), "request")
    clock.after(round(LEASE * SECOND))
    assert begin(store, "b").kind == "taken"
    assert begin(store, "c", OTHER).kind == "other"


def test_a_claim_holds_before_any_delivery_and_does_not_begin_the_task(clock, store):
    assert claim(store, "task", ONE)
    assert begin(store, "b", OTHER) == LeaseResult("other")
    clock.after(SECOND)
    assert begin(store).first == (T0 + SECOND) / 1000


def test_a_claim_can_be_made_again_for_the_same_request_alone(store):
    assert [claim(store, "task", request) for request in (ONE, ONE, OTHER)] == [True, True, False]


@pytest.mark.parametrize("outcome", [{"said": "hello"}, ChainExhausted("no"), Revoked("by its producer")])
def test_a_claim_is_refused_whatever_became_of_the_other_request(store, outcome):
    begin(store)
    finish(store, outcome)
    assert (claim(store, "task", OTHER), claim(store, "task", ONE)) == (False, True)


def test_each_claim_lets_an_unanswered_task_s_key_live_as_long_as_a_completion_may_take(store):
    claim(store, "task", ONE)
    store.redis.expire(store.keys.task("task"), 10)
    claim(store, "task", ONE)
    assert store.redis.ttl(store.keys.task("task")) == KEEP


@pytest.mark.parametrize("known", [True, False])
def test_a_claim_leaves_an_answered_task_as_it_is(store, known):
    begin(store, "a", ONE if known else "")
    finish(store, {"said": "hello"})
    if not known:
        store.redis.hdel(store.keys.task("task"), "request")
    store.redis.expire(store.keys.task("task"), 10)
    before = store.redis.hgetall(store.keys.task("task"))
    assert claim(store, "task", ONE)
    assert (store.redis.hgetall(store.keys.task("task")), store.redis.ttl(store.keys.task("task"))) == (before, 10)


def test_nothing_stands_for_a_refused_message_of_an_id_that_nobody_used(store):
    assert identity.found(store, "task", ONE) is None
    assert not store.redis.exists(store.keys.task("task"))


@pytest.mark.parametrize("request_", [ONE, ""])
def test_nothing_stands_for_a_refused_message_that_may_be_the_first_one_s_own(store, request_):
    begin(store)
    assert identity.found(store, "task", request_) is None


@pytest.mark.parametrize(("request_", "kind"), [(ONE, "answered"), ("", "answered"), (OTHER, "other")])
def test_the_outcome_stands_for_every_refused_message(store, request_, kind):
    begin(store)
    finish(store, {"said": "hello"})
    found = identity.found(store, "task", request_)
    assert (found.kind, identity.outcome(found, "task"), len(reuses(store))) == (
        kind, {"said": "hello"}, int(kind == "other"),
    )  # fmt: skip


def test_a_refused_message_of_another_request_is_known_as_such(store):
    begin(store)
    assert identity.found(store, "task", OTHER) == LeaseResult("other")
    assert len(reuses(store)) == 1


def keep(store, failed):
    store.run(dead_letters.keep(store, "task", "default", REQUEST, failed))
    return dead_letters.find(store, "task").at_ms


def test_a_replay_gives_the_id_to_the_dead_letter_s_request_as_it_is_written_now(store):
    begin(store)
    at_ms = keep(store, ChainExhausted("no"))
    finish(store, ChainExhausted("no"))
    replayed = dead_letters.replay(store, "task", at_ms, OTHER)
    assert store.run(replayed, lease.begin(store, "task", "b", 0, OTHER))[0] == 1
    assert store.redis.hget(store.keys.task("task"), "request") == OTHER


@pytest.mark.parametrize("begun", [True, False])
def test_a_replay_of_a_bad_request_leaves_one_alone_that_took_its_id_since(clock, store, begun):
    at_ms = keep(store, ChainExhausted("refused before it began"))
    claim(store, "task", OTHER)
    if begun:
        begin(store, "a", OTHER)
        clock.after(round(LEASE * SECOND))
    assert store.run(dead_letters.replay(store, "task", at_ms, ONE)) == [0]
    assert store.redis.hget(store.keys.task("task"), "request") == OTHER
