"""How long a breaker stays open, and when it forgets how often it opened."""

import pytest

from config.breaker import Breaker
from tests.worker.admission.clocked_breaker import MINUTE, NO_DETECTORS, SECOND, ClockedBreaker

COOLDOWNS = [1, 2, 4, 8, 10, 10]
QUOTAS = [10, 20, 40, 60, 60]


@pytest.fixture
def b(every_redis):
    return ClockedBreaker(every_redis, NO_DETECTORS)


def opened_for(b):
    return b.fields()["open_until"] - b.now


def lasts(length, about):
    """Says whether an opening lasts as long as planned plus at most a tenth."""
    return about <= length <= 1.1 * about


def heal(b):
    b.at(max(b.now, b.fields()["open_until"]))
    for _ in range(b.settings.success_threshold):
        b.call("success")
    assert b.fields()["state"] == "closed"


def test_each_opening_in_a_row_lasts_twice_as_long_up_to_ten_minutes(b):
    b.trip()
    lengths = [opened_for(b)]
    for _ in COOLDOWNS[1:]:
        b.reopen()
        lengths.append(opened_for(b))
    assert all(lasts(length, minutes * MINUTE) for length, minutes in zip(lengths, COOLDOWNS, strict=True)), lengths


def test_openings_are_spread_over_a_tenth_of_their_length(b):
    lengths = set()
    for _ in range(30):
        b.trip()
        lengths.add(opened_for(b))
        b.control("reset")
    assert len(lengths) > 10
    assert all(lasts(length, MINUTE) for length in lengths), lengths


def test_a_cooldown_longer_than_ten_minutes_is_kept_and_does_not_double(every_redis):
    b = ClockedBreaker(every_redis, Breaker(cooldown_period=1200))
    b.trip()
    assert lasts(opened_for(b), 20 * MINUTE)
    b.reopen()
    assert lasts(opened_for(b), 20 * MINUTE)


def test_closing_brings_back_the_first_cooldown(b):
    b.trip()
    b.reopen()
    heal(b)
    b.trip()
    assert b.fields()["opens"] == 1
    assert lasts(opened_for(b), MINUTE)


def test_a_hundred_openings_in_a_row_still_last_ten_minutes(b):
    b.trip()
    for _ in range(100):
        b.reopen()
    assert b.fields()["opens"] == 101
    assert lasts(opened_for(b), 10 * MINUTE)


def test_each_exhausted_quota_in_a_row_opens_for_twice_as_long_up_to_an_hour(b):
    lengths = []
    for _ in QUOTAS:
        b.call("quota")
        lengths.append(opened_for(b))
        b.at(b.fields()["open_until"])
    assert all(lasts(length, minutes * MINUTE) for length, minutes in zip(lengths, QUOTAS, strict=True)), lengths


def test_closing_brings_back_the_first_length_of_a_quota(b):
    b.call("quota")
    b.at(b.fields()["open_until"])
    b.call("quota")
    heal(b)
    b.call("quota")
    assert b.fields()["quota"] == 1
    assert lasts(opened_for(b), 10 * MINUTE)


def test_an_open_breaker_admits_nothing_before_its_time_and_one_at_it(b):
    b.trip()
    until = b.fields()["open_until"]
    b.at(until - 1)
    refused = b.acquire()
    assert (refused.kind, refused.wait) == ("none", 0.001)
    b.at(until)
    assert b.acquire().permit.half_open_id


def test_every_change_of_state_raises_the_generation_and_no_permit_does(b):
    generations = [b.permit().generation]
    b.trip()
    generations.append(b.fields()["generation"])
    b.at(b.fields()["open_until"])
    first = b.permit()
    generations.append(first.generation)
    b.after(36 * SECOND)
    assert b.permit().generation == first.generation
    b.after(36 * SECOND)
    heal(b)
    generations.append(b.fields()["generation"])
    assert generations == sorted(set(generations))


def test_changes_within_one_millisecond_have_generations_of_their_own(every_redis):
    b = ClockedBreaker(every_redis, Breaker(cooldown_period=0.001, success_threshold=1))
    seen = [b.permit().generation]
    b.trip()
    seen.append(b.fields()["generation"])
    b.after(1)
    b.call("success")  # half-open and closed in the same millisecond
    seen.append(b.fields()["generation"])
    assert seen[2] == seen[1] + 2
    assert seen[1] > seen[0]
