"""Which calls have a learned limit, and what they teach."""

import pytest

from config.breaker import Adaptive, Breaker
from tests.worker.providers.asking import provider, request
from worker.admission.first_tokens import Lesson
from worker.chain.first_token import FirstToken
from worker.errors import AttemptFailed

QUICK = "50 1000000 5991465 0 0 10000"
"""400 ms usual, as it is learned."""

SLOW = "50 1000000 10000000 0 0 10000"
"""22 s usual: three deviations are 30 s."""


def first_token(fields=None, **asked):
    given = provider("openai", "http://127.0.0.1:1", **(fields or {}))
    return FirstToken(given, given.model("default"), request(**asked))


def test_what_is_usual_is_the_limit():
    assert first_token().limit({"default": QUICK}) == 2.0


def test_another_tier_s_is_not():
    assert first_token().limit({"fast": QUICK}) is None


def test_a_tier_that_the_provider_lacks_is_its_default_one():
    assert first_token(model="fast").limit({"default": QUICK}) == 2.0


@pytest.mark.parametrize(("timeout", "limit"), [(20.0, None), (60.0, pytest.approx(29.7, abs=0.1))])
def test_a_limit_that_is_no_less_than_the_configured_one_is_none(timeout, limit):
    assert first_token({"first_token_timeout": timeout}).limit({"default": SLOW}) == limit


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"stream": False}, {}),
        ({"breaker": Breaker(adaptive=Adaptive(first_tokens="off"))}, {}),
        ({}, {"reasoning_effort": "high"}),
        ({}, {"provider_options": {"p": {"thinking": {"type": "enabled"}}}}),
    ],
)
def test_there_is_none_and_nothing_is_learned(fields, asked):
    found = first_token(fields, **asked)
    assert (found.limit({"default": QUICK}), found.lesson()) == (None, None)


@pytest.mark.parametrize("asked", [{"reasoning_effort": "none"}, {"provider_options": {"p": {"seed": 1}}}])
def test_other_options_are_no_reasoning(asked):
    assert first_token(**asked).limit({"default": QUICK}) == 2.0


def test_an_answer_teaches_its_first_token_and_a_silence_its_length():
    assert first_token().lesson().silence_ms == 0
    assert first_token().lesson(AttemptFailed("learned_limit"), 2100).silence_ms == 2100


@pytest.mark.parametrize("reason", ["status", "connection", "idle_timeout", "deadline", "revoked"])
def test_other_failures_teach_nothing(reason):
    assert first_token().lesson(AttemptFailed(reason), 2100) is None


def test_long_prompts_are_told_from_short_ones():
    short, long = first_token().lesson(), FirstToken(
        provider("openai", "http://127.0.0.1:1"), provider("openai", "http://127.0.0.1:1").model("default"),
        request(("user", "word " * 1000)),
    ).lesson()  # fmt: skip
    assert isinstance(short, Lesson)
    assert long.tokens > short.tokens + 1000
