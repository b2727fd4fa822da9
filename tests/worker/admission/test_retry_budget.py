"""The retry budget of a provider: what is a retry, how many there may be, what happens to one that is postponed."""

import math

import pytest

from config.breaker import Adaptive, Breaker, RetryBudget
from tests.worker.admission.clocked_breaker import MINUTE, NO_DETECTORS, SECOND, ClockedBreaker, attempted

LEASE = "lease"


def budgeted(server, **budget):
    b = ClockedBreaker(server, NO_DETECTORS.model_copy(update={"retry_budget": RetryBudget(**budget)}))
    b.server.hset(b.store.keys.task("task"), "holder", LEASE)
    return b


@pytest.fixture
def b(every_redis):
    return budgeted(every_redis)


def tried(b, *names, countdown=-1):
    """Records an attempt after which the task has tried these; it has a lease, and its breaker hears of no failure."""
    said = attempted(b.permit(), "ignored", tried=names, countdown=countdown)
    return b.record(said, "beta", task="task", lease_id=LEASE)


def again(b, *chain):
    return b.acquire(*(chain or ("alpha",)), lease_id=LEASE)


def granted(b, times):
    """Returns how many of so many retries are granted."""
    return sum(again(b).kind == "next" for _ in range(times))


def busy(b, calls):
    b.record_all([attempted(b.permit(), "success")] * calls)


def test_three_retries_a_minute_are_granted_where_there_are_few_calls(b):
    tried(b, "alpha")
    assert granted(b, 9) == 3


def test_a_fifth_of_the_last_minute_s_calls_may_be_retries(b):
    busy(b, 99)
    tried(b, "alpha")
    assert granted(b, 40) == 20


def test_calls_of_long_ago_weigh_less_as_a_minute_s_memory_does(b):
    busy(b, 99)
    tried(b, "alpha")
    b.after(MINUTE)
    assert granted(b, 40) == math.ceil(20 / math.e)


@pytest.mark.parametrize(("budget", "most"), [({"share": 0.5}, 25), ({"min_per_minute": 30}, 30), ({"share": 1.0}, 60)])
def test_the_settings_are_the_limit_and_a_share_of_one_is_none(every_redis, budget, most):
    b = budgeted(every_redis, **budget)
    busy(b, 49)
    tried(b, "alpha")
    assert granted(b, 60) == most


def test_a_provider_that_did_not_fail_the_task_is_not_retried(b):
    tried(b, "alpha")
    assert granted(b, 3) == 3
    assert again(b, "beta").kind == "next"
    assert b.acquire(task="another").kind == "next"
    assert b.fields("beta")["budget_retries"] == 0


def test_the_next_provider_is_asked_in_place_of_one_without_budget_and_the_reason_is_told(b):
    tried(b, "alpha")
    granted(b, 3)
    decision = again(b, "alpha", "beta")
    assert decision.permit.provider == "beta"
    assert [(each.provider, each.reason) for each in decision.skipped] == [("alpha", "retry-budget")]


def test_a_retry_is_due_when_one_of_three_has_faded(b):
    tried(b, "alpha")
    granted(b, 3)
    b.after(SECOND)
    assert granted(b, 1) == 1
    decision = again(b)
    assert (decision.kind, decision.skipped[0].until) == ("none", b.now / 1000 + decision.wait)
    b.after(round(1000 * decision.wait) - 1)
    assert granted(b, 1) == 0
    b.after(1)
    assert granted(b, 2) == 1


def test_a_retry_without_a_place_in_the_budget_is_not_planned(b):
    tried(b, "alpha")
    assert tried(b, "alpha", countdown=SECOND).kind == "retry"
    granted(b, 3)
    b.after(SECOND // 100)
    granted(b, 1)
    decision = tried(b, "alpha", countdown=0)
    assert (decision.kind, decision.permit.provider) == ("next", "beta")
    assert [(each.provider, each.reason) for each in decision.skipped] == [("alpha", "retry-budget")]


def test_a_retry_is_planned_where_the_budget_has_room_by_then(b):
    tried(b, "alpha")
    granted(b, 3)
    assert tried(b, "alpha", countdown=MINUTE).kind == "retry"


def test_a_provider_that_is_forced_closed_is_retried_without_end(b):
    tried(b, "alpha")
    b.control("closed")
    assert granted(b, 9) == 9


def test_a_half_open_permit_for_a_retry_is_of_the_budget_too(b):
    tried(b, "alpha")
    b.trip()
    b.at(b.fields()["open_until"])
    before = b.fields()["budget_retries"]
    assert again(b).permit.half_open_id
    assert b.fields()["budget_retries"] > before


def test_an_open_breaker_is_the_reason_where_both_stand_against_a_retry(b):
    tried(b, "alpha")
    granted(b, 3)
    b.trip()
    assert again(b).skipped[0].reason == "open"


def test_a_late_result_is_no_call_of_the_budget(b):
    permit = b.permit()
    b.trip()
    before = b.fields()["budget_calls"]
    b.record(attempted(permit, "success"))
    assert b.fields()["budget_calls"] == before


def test_the_budget_is_one_of_the_settings_that_two_deployments_compare(every_redis):
    one = ClockedBreaker(every_redis, Breaker(adaptive=Adaptive()))
    one.permit()
    other = budgeted(every_redis, share=0.3)
    other.call("success")
    (event,) = (each for each in other.events() if each["type"] == "breaker-settings-differ")
    assert (event["here"].split("/")[-2:], event["there"].split("/")[-2:]) == (["0.3", "3"], ["0.2", "3"])


def test_long_settings_keep_the_breaker_in_redis_s_short_form_and_differ_still(every_redis):
    observing = Adaptive(failures="observe", latency="observe", first_tokens="off", stalls="observe")
    for share in (0.12345678901234567, 0.12345678901234562):
        settings = Breaker(
            failure_threshold=100,
            success_threshold=99,
            cooldown_period=86_399.0,
            adaptive=observing,
            retry_budget=RetryBudget(share=share, min_per_minute=99_999),
        )
        b = ClockedBreaker(every_redis, settings)
        b.call("success")
    assert every_redis.object("encoding", b.store.keys.breaker("alpha")) in ("listpack", "ziplist")
    assert [each["type"] for each in b.events()] == ["breaker-settings-differ"]
