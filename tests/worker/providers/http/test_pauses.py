"""Reading in pauses while tokens flow: fewer reads, the same answer, the same limits."""

import time

import pytest

from tests.worker.providers.asking import OPENAI_USAGE, asked, failure, openai_chunk, provider
from tests.worker.providers.bare_server import END, HEAD, chunk, repeats, serving, stalls
from tests.worker.providers.http.pacing import TOKENS, Reads, flowing, paced
from worker.providers.http import time_limits

START = HEAD + chunk(openai_chunk(""))
LAST = chunk(openai_chunk(None, "stop"))
REST = chunk(OPENAI_USAGE) + chunk(b"data: [DONE]\n\n") + END
LONG = 30.0
"""Seconds of a pause that is long enough to be seen."""


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause is as long as the limit allows."""
    for name, value in {"PAUSE": 1e9, "LONGEST_PAUSE": LONG, "OF_THE_LIMIT": 1.0}.items():
        monkeypatch.setattr(time_limits, name, value)


def test_tokens_that_flow_are_read_several_at_once() -> None:
    reads = Reads()
    with serving(flowing()) as bare:
        answer = asked(provider("openai", bare.url), check_wanted=reads.check_wanted)
    assert answer.message["content"] == "".join(TOKENS)
    assert answer.usage is not None
    assert reads.count < len(TOKENS) * 2 / 3


@pytest.mark.usefixtures("long_pauses")
def test_what_came_during_a_pause_came_within_the_limit() -> None:
    parts = [START + chunk(openai_chunk("x")), chunk(openai_chunk("y")), LAST + REST]
    with serving(paced(0.1, parts)) as bare:
        assert asked(provider("openai", bare.url, idle_timeout=0.5)).message["content"] == "xy"


@pytest.mark.usefixtures("long_pauses")
def test_there_is_no_pause_before_the_first_token_and_none_after_the_last() -> None:
    began = time.monotonic()
    pings = [HEAD + chunk(b": busy\n\n"), chunk(b": busy\n\n"), START.removeprefix(HEAD)]
    with serving(paced(0.1, [*pings, chunk(openai_chunk("x")) + LAST, REST])) as bare:
        answer = asked(provider("openai", bare.url))
    assert answer.usage is not None
    assert time.monotonic() - began < LONG / 2


def test_a_short_limit_is_not_passed_by_a_pause() -> None:
    with serving(repeats(START, chunk(openai_chunk("x")))) as bare:
        assert failure(provider("openai", bare.url, idle_timeout=0.4, attempt_timeout=1.0)).reason == "attempt_timeout"


def test_silence_after_a_pause_asks_whether_the_answer_is_wanted() -> None:
    reads = Reads()
    with serving(stalls(START + chunk(openai_chunk("x")))) as bare:
        failed = failure(provider("openai", bare.url, idle_timeout=1.3), check_wanted=reads.check_wanted)
    assert failed.reason == "idle_timeout"
    assert reads.silences
