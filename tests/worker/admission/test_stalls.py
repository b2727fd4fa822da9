"""Calls in flight that fall silent, reported by the processes that wait for them."""

import time

import pytest
from redis import Redis

from config.breaker import Adaptive, Breaker
from tests.worker.admission.clocked_breaker import SECOND, ClockedBreaker
from worker.admission.stalls import MOST, CallInFlight, Silence, Stalls, silences

AGO = 5 * SECOND


@pytest.fixture
def breaker(every_redis: Redis) -> ClockedBreaker:
    return ClockedBreaker(every_redis)


def silent(breaker: ClockedBreaker, stalls: Stalls, *tasks: str, generation: int | None = None) -> list[CallInFlight]:
    """Adds calls that began 5 s ago and are silent since."""
    given = breaker.permit().generation if generation is None else generation
    at = (breaker.now - AGO) / 1000
    calls = [CallInFlight("alpha", task, given, at, limit=0.0, longest=30.0) for task in tasks]
    for call in calls:
        stalls.add(call)
    return calls


def several(count: int) -> list[str]:
    return [f"task-{i}" for i in range(count)]


def test_as_many_as_the_threshold_open_the_breaker(breaker):
    stalls = Stalls()
    silent(breaker, stalls, *several(5))
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "open"
    [opened] = [event for event in breaker.events() if event["type"] == "circuit-breaker-open"]
    assert (opened["cause"], opened["silent"], opened["since_ms"]) == ("stalled", "5", str(breaker.now - AGO))


def test_then_silence_stands_as_the_last_error_and_not_a_failure_of_before(breaker):
    breaker.call("failure")
    stalls = Stalls()
    silent(breaker, stalls, *several(5))
    stalls.report(breaker.store)
    assert (breaker.fields()["error"], breaker.fields()["error_at"]) == ("timeout stalled", breaker.now)


def told(breaker: ClockedBreaker) -> dict[str, Silence]:
    return silences(breaker.store, ["alpha", "beta"])


def test_people_are_told_of_silent_calls_from_two_on_until_anybody_has_a_token(breaker):
    stalls = Stalls()
    silent(breaker, stalls, "one")
    stalls.report(breaker.store)
    assert told(breaker) == {}
    silent(breaker, stalls, "another")
    stalls.report(breaker.store)
    assert told(breaker) == {"alpha": Silence(2, (breaker.now - AGO) / 1000)}
    stalls.spoke("alpha", breaker.now / 1000)
    stalls.report(breaker.store)
    assert told(breaker) == {}


def test_people_are_told_of_no_silent_calls_of_an_earlier_generation_nor_of_a_process_that_died(breaker):
    late, died = Stalls(), Stalls()
    silent(breaker, late, *several(3), generation=breaker.permit().generation - 1)
    late.report(breaker.store)
    assert told(breaker) == {}
    silent(breaker, died, *several(3))
    died.report(breaker.store)
    assert told(breaker)["alpha"].calls == 3
    breaker.at(breaker.now + 10 * SECOND)
    assert told(breaker) == {}


def test_one_fewer_does_not(breaker):
    stalls = Stalls()
    silent(breaker, stalls, *several(4))
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


def test_calls_of_two_processes_count_together_and_each_once(breaker):
    first, second = Stalls(), Stalls()
    silent(breaker, first, *several(3))
    silent(breaker, second, "another", "and another")
    for _ in range(3):
        first.report(breaker.store)
    assert breaker.fields()["state"] == "closed"
    second.report(breaker.store)
    assert breaker.fields()["state"] == "open"


def test_calls_of_a_process_that_died_are_forgotten(breaker):
    first, second = Stalls(), Stalls()
    silent(breaker, first, *several(4))
    first.report(breaker.store)
    breaker.after(10 * SECOND)
    silent(breaker, second, "another")
    second.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


def test_a_token_of_any_process_since_they_began_keeps_it_closed(breaker):
    one, other = Stalls(), Stalls()
    silent(breaker, one, *several(5))
    other.spoke("alpha", (breaker.now - AGO) / 1000 + 1)
    other.report(breaker.store)
    one.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


def test_a_token_from_before_they_began_says_nothing(breaker):
    stalls = Stalls()
    silent(breaker, stalls, *several(5))
    stalls.spoke("alpha", (breaker.now - AGO) / 1000 - 1)
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "open"


def test_a_process_that_waits_for_nothing_itself_opens_nothing(breaker):
    one, other, generation = Stalls(), Stalls(), breaker.permit().generation
    for task in several(5):
        one.add(CallInFlight("alpha", task, generation, breaker.now / 1000 - 3, limit=0.0, longest=30.0))
    one.report(breaker.store)  # they have not been silent for long enough
    breaker.at(breaker.now + SECOND)
    other.spoke("alpha", breaker.now / 1000 - 5)
    other.report(breaker.store)
    assert breaker.fields()["state"] == "closed"
    one.report(breaker.store)
    assert breaker.fields()["state"] == "open"


def test_calls_of_an_earlier_generation_do_not_count(breaker):
    stalls = Stalls()
    silent(breaker, stalls, *several(5), generation=breaker.permit().generation - 1)
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


@pytest.mark.parametrize(
    ("mode", "events"), [("observe", ["circuit-breaker-would-open"]), ("on", ["circuit-breaker-open"])]
)
def test_observed_stalls_are_an_event(every_redis, mode, events):
    breaker, stalls = ClockedBreaker(every_redis, Breaker(adaptive=Adaptive(stalls=mode))), Stalls()
    silent(breaker, stalls, *several(5))
    stalls.report(breaker.store)
    assert breaker.changes() == events


def test_a_call_is_silent_once_nothing_came_for_its_limit():
    call = CallInFlight("alpha", "task", 1, 0.0, limit=2.0, longest=30.0)
    assert not call.is_silent(call.began + 1.9)
    assert call.is_silent(call.began + 2.0)
    call.heard = call.began + 1.0
    assert not call.is_silent(call.began + 2.9)


def test_a_call_that_was_answered_is_not_reported(breaker):
    stalls = Stalls()
    for call in silent(breaker, stalls, *several(5)):
        stalls.spoke("alpha", 0.0, call)
        stalls.discard(call)
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


def test_a_call_that_was_cut_in_silence_is_reported_as_long_as_it_could_have_lasted(breaker):
    stalls = Stalls()
    for call in silent(breaker, stalls, *several(5)):
        stalls.discard(call)
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "open"


def test_later_it_is_reported_no_more(breaker):
    stalls = Stalls()
    for call in silent(breaker, stalls, *several(5)):
        call.began = time.monotonic() - call.longest
        stalls.discard(call)
    stalls.report(breaker.store)
    assert breaker.fields()["state"] == "closed"


def test_a_report_is_bounded_and_expires(breaker):
    stalls = Stalls()
    silent(breaker, stalls, *["one"] * (MOST + 10))
    stalls.report(breaker.store)
    key = breaker.store.keys.silent("alpha")
    assert breaker.server.zcard(key) <= MOST
    assert 0 < breaker.server.ttl(key) <= 60


def test_a_process_with_nothing_to_report_asks_nothing(breaker):
    before = breaker.server.info("stats")["total_commands_processed"]
    Stalls().report(breaker.store)
    assert breaker.server.info("stats")["total_commands_processed"] == before + 1
