"""Entries of the corpus cut anywhere, in any chunking, compressed, one behind another: a right answer or a failure."""

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.outcomes import Outcome
from tests.length import at_length
from tests.wild.corpus import Answered, answers
from tests.wild.reading import Body, Reader, reading
from worker.chain.classify import classify
from worker.errors import AttemptFailed
from worker.result import Answer

CASES = int(os.environ.get("FUZZ_CASES", "200"))
FUZZ = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
ENTRIES = list(answers())
CUTS = st.lists(st.integers(0, 6_000), max_size=12)


@pytest.fixture(scope="module")
def reader():
    with reading() as found:
        yield found


def meaning(answer: Answer) -> tuple[Any, ...]:
    message = answer.message
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", ())]
    return message["content"], message.get("reasoning_content"), calls, answer.finish_reason


def read(reader: Reader, entry: Answered, body: Body, *, stream: bool) -> tuple[Any, ...] | None:
    """Returns what is read, None for a failed attempt."""
    reader.body = body
    try:
        return meaning(reader.ask(entry, stream=stream))
    except AttemptFailed as failed:
        assert classify(failed, {}).outcome in Outcome  # noqa: PT017  either is right
        json.dumps(failed.said)
        return None


def whole(reader: Reader, entry: Answered) -> tuple[Any, ...] | None:
    return read(reader, entry, Body(entry.body.encode()), stream=True)


@at_length
@FUZZ
@given(st.sampled_from(ENTRIES), CUTS, st.booleans(), st.booleans())
def test_any_chunking_compressed_or_not_is_the_same(
    reader: Reader, entry: Answered, cuts: list[int], is_gzip: bool, stream: bool
) -> None:
    expected = whole(reader, entry)
    assert (expected is not None) == (entry.outcome == Outcome.SUCCESS)
    assert read(reader, entry, Body(entry.body.encode(), cuts, is_gzip), stream=stream) == expected


@FUZZ
@given(st.sampled_from(ENTRIES), st.floats(0, 1), CUTS, st.booleans(), st.booleans())
def test_an_entry_cut_anywhere_is_whole_or_a_failure(
    reader: Reader, entry: Answered, share: float, cuts: list[int], is_gzip: bool, is_closed: bool
) -> None:
    text = entry.body.encode()
    body = Body(text[: round(share * len(text))], cuts, is_gzip, is_closed)
    found = read(reader, entry, body, stream=True)
    assert entry.outcome != Outcome.SUCCESS or found in (None, whole(reader, entry))


@FUZZ
@given(st.sampled_from(ENTRIES), st.floats(0, 1), CUTS)
def test_a_compressed_body_cut_anywhere_is_whole_or_a_failure(
    reader: Reader, entry: Answered, share: float, cuts: list[int]
) -> None:
    class Cut(Body):
        def parts(self) -> list[bytes]:
            head, *chunks, end = super().parts()
            return [head, *chunks[: round(share * len(chunks))], end]

    found = read(reader, entry, Cut(entry.body.encode(), cuts, is_gzip=True, is_closed=True), stream=True)
    assert entry.outcome != Outcome.SUCCESS or found in (None, whole(reader, entry))


@at_length
@FUZZ
@given(st.sampled_from(ENTRIES), st.sampled_from(ENTRIES), CUTS, st.booleans())
def test_an_entry_behind_another_is_never_joined_to_it(
    reader: Reader, first: Answered, second: Answered, cuts: list[int], stream: bool
) -> None:
    # Entries share ids that their sources shortened; two answers never do.
    behind = second.body.replace("chatcmpl-", "chatcmpl-another-").encode()
    found = read(reader, first, Body(first.body.encode() + behind, cuts), stream=stream)
    alone = whole(reader, first), read(reader, first, Body(behind), stream=True)
    assert found is None or found in alone
