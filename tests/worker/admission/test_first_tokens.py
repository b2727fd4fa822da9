"""The learned limit of the time to first token, from what the scripts learn."""

import math
import random

import pytest
from redis import Redis

from tests.worker.admission.clocked_breaker import SECOND, ClockedBreaker
from worker.admission.breaker import Attempted
from worker.admission.first_tokens import LEARNED, SHORTEST, Lesson, limit

PROMPT = 100


@pytest.fixture
def breaker(every_redis: Redis) -> ClockedBreaker:
    return ClockedBreaker(every_redis)


def teach(breaker: ClockedBreaker, *first_tokens: tuple[float, int]) -> str:
    """Records answers with these first tokens in ms, of prompts with so many tokens; returns what was learned."""
    permit = breaker.permit()
    breaker.record_all(
        Attempted(permit, "success", 100, first_token_ms=ms, lesson=Lesson("default", tokens))
        for ms, tokens in first_tokens
    )
    return breaker.permit().usual.get("default", "")


def fall_silent(breaker: ClockedBreaker, ms: int, times: int = 1, apart: int = SECOND) -> str:
    for _ in range(times):
        breaker.after(apart)
        breaker.record(Attempted(breaker.permit(), "ignored", ms, lesson=Lesson("default", PROMPT, ms)))
    return breaker.permit().usual["default"]


def scattered(count: int, usual: float = 400, deviation: float = 0.2, tokens: int = PROMPT) -> list[tuple[float, int]]:
    draw = random.Random(1)
    return [(draw.lognormvariate(math.log(usual), deviation), tokens) for _ in range(count)]


def test_there_is_no_limit_before_enough_is_known(breaker):
    assert limit("", PROMPT) is None
    assert limit(teach(breaker, *scattered(LEARNED - 1)), PROMPT) is None


def test_400_ms_usual_are_a_limit_of_two_seconds(breaker):
    assert limit(teach(breaker, *scattered(LEARNED)), PROMPT) == SHORTEST


def test_a_slow_provider_s_limit_is_three_deviations_above_what_is_usual(breaker):
    found = limit(teach(breaker, *scattered(2 * LEARNED, usual=3000)), PROMPT)
    assert found == pytest.approx(3 * math.exp(3 * 0.2), rel=0.15)


def test_long_prompts_have_a_longer_limit_and_short_ones_keep_theirs(breaker):
    draw = random.Random(2)
    lengths = [draw.choice([200, 2_000, 50_000]) for _ in range(300)]
    figures = teach(breaker, *((20 * tokens**0.5 * draw.lognormvariate(0, 0.1), tokens) for tokens in lengths))
    short, long = limit(figures, 200), limit(figures, 50_000)
    assert short == SHORTEST
    assert 4.5 < long < 9


def test_silences_of_attempts_that_were_cut_raise_the_limit(breaker):
    before = limit(teach(breaker, *scattered(2 * LEARNED, usual=3000)), PROMPT)
    assert limit(fall_silent(breaker, 6000, times=10), PROMPT) > 1.5 * before


def test_a_dead_provider_teaches_no_patience(breaker):
    before = teach(breaker, *scattered(2 * LEARNED, usual=3000))
    assert limit(fall_silent(breaker, 6000, times=100, apart=30), PROMPT) < 1.5 * limit(before, PROMPT)


def test_a_silence_shorter_than_usual_teaches_nothing(breaker):
    before = teach(breaker, *scattered(2 * LEARNED, usual=3000))
    assert fall_silent(breaker, 100, times=5) == before


def test_cutting_what_is_late_does_not_tighten_the_limit(breaker):
    draw = random.Random(3)
    figures = teach(breaker, *scattered(2 * LEARNED, usual=3000, deviation=0.4))
    first = limit(figures, PROMPT)
    for _ in range(400):
        breaker.after(2 * SECOND)
        ms, most = draw.lognormvariate(math.log(3000), 0.4), 1000 * (limit(figures, PROMPT) or 0)
        lesson = Lesson("default", PROMPT, most if ms > most else 0)
        outcome, first_token = ("ignored", 0) if ms > most else ("success", ms)
        breaker.record(Attempted(breaker.permit(), outcome, 100, first_token_ms=first_token, lesson=lesson))
        figures = breaker.permit().usual["default"]
    assert limit(figures, PROMPT) > 0.75 * first


def test_where_it_is_off_nothing_is_learned(every_redis):
    breaker = ClockedBreaker(every_redis)
    settings = breaker.settings.model_copy(
        update={"adaptive": breaker.settings.adaptive.model_copy(update={"first_tokens": "off"})}
    )
    assert teach(ClockedBreaker(every_redis, settings), *scattered(LEARNED)) == ""


def test_an_answer_without_a_known_first_token_teaches_nothing(breaker):
    assert teach(breaker, *[(0, PROMPT)] * LEARNED) == ""


def test_what_is_stored_stays_short(breaker):
    draw = random.Random(4)
    figures = teach(breaker, *((draw.lognormvariate(10, 3), draw.choice([0, 900_000])) for _ in range(100)))
    assert len(figures) <= 64
