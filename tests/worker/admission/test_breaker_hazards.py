"""What many processes do to one breaker at once, some of them dying: on real servers, with their own clocks.

The page docs/explanation/breaker.md lists every hazard with the test that shows what holds.
"""

import pytest

from tests.waiting import wait_until
from tests.worker.admission.asking_process import use
from tests.worker.admission.child_process import ask_all, children, stop_all
from tests.worker.admission.clocked_breaker import url
from tests.worker.admission.shared_breaker import (
    SHORT,
    events,
    half_open_permit,
    look,
    permits_of,
    store_with,
    stored,
    trip,
    wait_for_cooldown,
)
from worker.admission import breaker

MINUTE = 60.0
LONG_OPEN = {"cooldown_period": MINUTE, "adaptive": {"failures": "off"}}
"""Opens by consecutive failures alone, and stays so."""


@pytest.mark.parametrize("server", ["valkey", "redis_server"])
def test_eight_processes_at_once_get_one_half_open_permit(request, eight, server):
    place = request.getfixturevalue(server).url
    store = store_with(place)
    store.redis.flushall()
    use(eight, place)
    for _ in range(10):
        breaker.control(store, "alpha", "reset", by="test")
        trip(store)
        wait_for_cooldown(store)
        assert sum(map(bool, ask_all(eight, "acquire"))) == 1


def test_a_killed_holder_s_permit_runs_out_while_others_ask_and_no_other_is_granted_before(eight, redis):
    store = store_with(url(redis), permit_seconds=SHORT)
    use(eight, url(redis), permit_seconds=SHORT)
    trip(store)
    wait_for_cooldown(store)
    with children(1) as (holder,):
        use([holder], url(redis), permit_seconds=SHORT)
        assert holder.ask("acquire")
        first = permits_of(store)
        for other in eight:
            other.send("ask_on")
        holder.kill()
    later = []
    wait_until(lambda: later.append(permits_of(store)) or later[-1] != first)
    stop_all(eight)
    (began,), length = events(store, "circuit-breaker-half-open"), 1000 * SHORT
    (runs_out,), (next_runs_out,) = first.values(), later[-1].values()
    assert runs_out == int(began["at_ms"]) + length
    assert next_runs_out - length >= runs_out


def test_a_breaker_whose_holder_is_gone_closes_with_the_successes_of_others(eight, redis):
    store = store_with(url(redis), permit_seconds=SHORT)
    half_open_permit(store)  # whose holder is never heard of again
    use(eight, url(redis), permit_seconds=SHORT)
    for other in eight:
        other.send("call_on", "success")
    wait_until(lambda: look(store).state == "closed")
    stop_all(eight)


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_a_result_that_began_before_the_trip_changes_nothing(eight, redis, outcome):
    store = store_with(url(redis))
    use(eight, url(redis))
    permits = ask_all(eight, "acquire")
    trip(store)
    before = stored(store)
    assert [child.ask("record", permit, outcome) for child, permit in zip(eight, permits, strict=True)] == [0] * 8
    assert stored(store) == before


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_a_result_of_round_one_does_not_count_in_round_two(eight, redis, outcome):
    late, other = eight[:2]
    store = store_with(url(redis), permit_seconds=SHORT)
    use([late, other], url(redis), permit_seconds=SHORT)
    trip(store)
    wait_for_cooldown(store)
    first, second = late.ask("acquire"), []
    wait_until(lambda: second.append(other.ask("acquire")) or second[-1])
    assert other.ask("record", second[-1], "failure") == 1
    wait_until(lambda: other.ask("acquire"))
    before, permits = stored(store), permits_of(store)
    assert before["state"] == "half-open"
    assert late.ask("record", first, outcome) == 0
    assert (stored(store), permits_of(store)) == (before, permits)


def test_a_provider_that_fails_gets_the_threshold_and_the_calls_in_flight(eight, redis):
    use(eight, url(redis), **LONG_OPEN)
    permits = ask_all(eight, "acquire")
    assert all(permits)
    for child, permit in zip(eight, permits, strict=True):
        child.send("record", permit, "failure")
    assert sum(child.answer() for child in eight) == 5
    assert len(events(store_with(url(redis)), "circuit-breaker-open")) == 1


def test_eight_processes_that_call_a_dead_provider_stop_together(eight, redis):
    use(eight, url(redis), **LONG_OPEN)
    assert 5 <= sum(ask_all(eight, "call_until_refused")) <= 5 + 7


def test_a_process_that_starts_while_it_is_open_calls_nothing(redis):
    trip(store_with(url(redis), **LONG_OPEN))
    with children(1) as (fresh,):
        use([fresh], url(redis), **LONG_OPEN)
        assert fresh.ask("call_until_refused") == 0


def test_settings_that_meet_during_a_rollout_are_one_event(eight, redis):
    old, new = {"failure_threshold": 5}, {"failure_threshold": 3, "cooldown_period": MINUTE}
    use(eight[:4], url(redis), **old)
    use(eight[4:], url(redis), **new)
    for child in eight:
        child.send("call_on", "success")
    store = store_with(url(redis), **old)
    wait_until(lambda: events(store) and look(store).consecutive_successes > 200)
    reports = stop_all(eight)
    assert all(counted == 1 for calls in reports for _, _, counted in calls)
    (event,) = events(store)
    assert event["type"] == "breaker-settings-differ"
    assert {event["here"], event["there"]} == {stored(store)["settings"], stored(store)["others"]}
    assert {text.split("/")[0] for text in (event["here"], event["there"])} == {"5", "3"}


def test_during_a_rollout_each_process_judges_by_its_own_settings(eight, redis):
    patient, hasty = eight[:2]
    use([patient], url(redis), failure_threshold=5)
    use([hasty], url(redis), failure_threshold=3, cooldown_period=MINUTE)
    store = store_with(url(redis))
    for _ in range(3):
        assert patient.ask("record", patient.ask("acquire"), "failure") == 1
    assert look(store).state == "closed"
    assert hasty.ask("record", hasty.ask("acquire"), "failure") == 1
    (opened,) = events(store, "circuit-breaker-open")
    assert (opened["cause"], opened["failures"]) == ("consecutive-failures", "4")
    assert int(opened["open_until_ms"]) - int(opened["at_ms"]) >= 1000 * MINUTE


def test_a_process_whose_clock_is_ahead_gets_no_permit_early(eight, redis):
    ahead, right = eight[:2]
    use([ahead], url(redis), ahead=2 * MINUTE, cooldown_period=MINUTE)
    use([right], url(redis))
    trip(store_with(url(redis), cooldown_period=MINUTE))
    assert ahead.ask("acquire") is None
    breaker.control(store_with(url(redis)), "alpha", "reset", by="test")
    half_open_permit(store_with(url(redis)))
    assert [ahead.ask("acquire"), right.ask("acquire")] == [None, None]


def test_a_process_whose_clock_is_ahead_opens_for_no_longer(eight, redis):
    use(eight[:1], url(redis), ahead=2 * MINUTE)
    store = store_with(url(redis))
    eight[0].ask("call_until_refused")
    (opened, *_) = events(store, "circuit-breaker-open")
    time = look(store).now * 1000
    assert int(opened["at_ms"]) <= time
    assert int(opened["open_until_ms"]) <= time + 100
