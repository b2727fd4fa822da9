import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.chunked import Chunked
from worker.errors import AttemptFailed

CODED = b"5\r\nhello\r\n1;name=value\r\n \r\n0A\r\n01234\r\n789\r\n0\r\nTrailer: x\r\n\r\n"
BODY = b"hello 01234\r\n789"


@given(st.lists(st.integers(0, len(CODED)), max_size=40))
def test_a_body_cut_anywhere_is_the_same(places: list[int]) -> None:
    at = [0, *sorted(places), len(CODED)]
    coding = Chunked()
    assert b"".join(coding.feed(CODED[a:b]) for a, b in itertools.pairwise(at)) == BODY
    assert coding.ended is True


def test_bytes_after_the_last_chunk_forbid_another_request() -> None:
    coding = Chunked()
    coding.feed(CODED + b"x")
    assert coding.ended is False


def test_a_chunk_is_given_before_it_is_whole() -> None:
    assert Chunked().feed(b"ff\r\nhel") == b"hel"


@pytest.mark.parametrize("coded", [b"zz\r\n", b"-5\r\n", b"\r\n", b"1" * 5000])
def test_what_is_not_the_coding_is_malformed(coded: bytes) -> None:
    with pytest.raises(AttemptFailed, match="malformed"):
        Chunked().feed(coded)


@given(st.binary())
def test_any_bytes_are_a_body_or_malformed(coded: bytes) -> None:
    with suppress(AttemptFailed):
        assert isinstance(Chunked().feed(coded), bytes)
