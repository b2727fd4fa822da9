"""Each change is one event in the stream, and is returned to the one caller whose record made it."""

import pytest

from tests.worker.admission.clocked_breaker import CHAIN, MINUTE, SECOND, T0, ClockedBreaker, attempted
from worker.admission.breaker import snapshot


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis)


def a_life(b):
    """Lets a breaker open, fail and close again; returns the changes that their callers got."""
    changes = [b.call("failure", task=task).change for task in "ababa"]
    b.at(b.fields()["open_until"])
    changes.append(b.call("failure").change)
    b.at(b.fields()["open_until"])
    changes += [b.call("success").change for _ in range(2)]
    return changes


def test_the_events_of_a_life_are_a_path_through_the_states(b):
    a_life(b)
    opened, tried, closed = (f"circuit-breaker-{word}" for word in ("open", "half-open", "closed"))
    assert b.changes() == [opened, tried, opened, tried, closed]


def test_a_change_is_returned_to_the_caller_that_made_it_alone(b):
    assert a_life(b) == ["", "", "", "", "open", "open", "", "closed"]


def test_since_when_it_is_unhealthy_is_not_known_of_a_worker_of_the_release_before(b):
    b.trip()
    assert snapshot(b.store, ["alpha"])[0].unhealthy == T0 / 1000
    b.server.hset(b.key(), "unhealthy", 1)
    assert snapshot(b.store, ["alpha"])[0].unhealthy == 0
    b.control("reset")
    told = [event["type"] for event in b.events() if event["type"].startswith("provider-")]
    assert told == ["provider-unhealthy", "provider-recovered"]


def test_an_opening_says_why_and_until_when(b):
    b.trip()
    (event,) = (e for e in b.events() if e["type"] == "circuit-breaker-open")
    assert event == {
        "type": "circuit-breaker-open",
        "provider": "alpha",
        "at_ms": str(T0),
        "cause": "consecutive-failures",
        "failures": "5",
        "open_until_ms": str(b.fields()["open_until"]),
        "opens": "1",
    }


def test_a_failure_while_half_open_and_an_exhausted_quota_are_causes_of_their_own(b):
    b.trip()
    b.reopen()
    b.at(b.fields()["open_until"])
    b.call("quota")
    causes = [e["cause"] for e in b.events() if e["type"] == "circuit-breaker-open"]
    assert causes == ["consecutive-failures", "failed-while-half-open", "quota-exhausted"]


def test_an_authentication_lock_is_one_event(b):
    permit = b.permit()
    for _ in range(5):
        b.record(attempted(permit, "authentication"))
    assert b.changes() == ["provider-auth-locked"]
    b.probe(authenticated=False)
    b.probe()
    b.probe()
    assert b.changes() == ["provider-auth-locked", "provider-auth-unlocked"]


def test_a_success_does_not_end_an_authentication_lock(b):
    permit = b.permit()
    b.record(attempted(permit, "authentication"))
    b.record(attempted(permit, "success"))
    assert b.acquire().skipped[0].reason == "authentication"


@pytest.mark.parametrize(
    ("countdown", "remaining", "decision", "will_retry", "then", "planned"),
    [
        (SECOND, CHAIN[1:], "retry", "true", "", "1000"),
        (-1, CHAIN[1:], "next", "false", "beta", "0"),
        (-1, CHAIN[2:], "next", "false", "gamma", "0"),
        (-1, (), "none", "false", "", "0"),
    ],
)
def test_a_failed_request_says_what_happens_to_it(b, countdown, remaining, decision, will_retry, then, planned):
    b.record(attempted(b.permit(), "failure", countdown=countdown), *remaining, task="the task")
    assert b.events() == [
        {
            "type": "request-failure",
            "provider": "alpha",
            "at_ms": str(T0),
            "request": "the task",
            "failure": "said failure",
            "decision": decision,
            "will_retry": will_retry,
            "next": then,
            "countdown_ms": planned,
        }
    ]


def test_a_success_tells_nothing(b):
    b.call("success")
    assert b.events() == []


def test_the_stream_is_bounded(b):
    permit = b.permit()
    b.store.run(*(("XADD", b.store.keys.events, "*", "type", "old") for _ in range(12_000)))
    b.record(attempted(permit, "failure"))
    assert b.server.xlen(b.store.keys.events) < 10_200


def test_a_manual_override_is_an_event_with_who_and_until_when(b):
    b.control("open", seconds=60)
    b.control("reset")
    assert [(e["type"], e["by"], e["until_ms"]) for e in b.events()] == [
        ("circuit-breaker-forced-open", "test", str(T0 + MINUTE)),
        ("circuit-breaker-reset", "test", "0"),
    ]
