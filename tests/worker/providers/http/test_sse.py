import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import AttemptFailed
from worker.providers.http.sse import MOST, Events, payloads

STREAM = b': hello\n\nevent: ping\ndata: {}\n\ndata:{"a":1}\n\ndata: one\ndata: two\n\n\n\nid: 7\n\ndata: [DONE]\n\n'
PAYLOADS = [b"{}", b'{"a":1}', b"one\ntwo", b"[DONE]"]


def read(chunks: list[bytes]) -> tuple[bytes, bytes]:
    events = Events()
    return b"".join(map(events.feed, chunks)), events.gathered(ended=True)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(at)]


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 1000), max_size=30))
def test_a_stream_cut_anywhere_gives_the_same_events(newline: bytes, places: list[int]) -> None:
    fed, gathered = read(cut(STREAM.replace(b"\n", newline), places))
    assert payloads(gathered) == PAYLOADS
    assert payloads(fed) in (PAYLOADS, PAYLOADS[:-1] if newline == b"\r" else PAYLOADS)


def test_an_event_is_told_of_when_its_blank_line_came() -> None:
    events = Events()
    assert [events.feed(part) for part in (b"data: a\n", b"\ndata: b", b"\r\n\r", b"\n")] == [
        b"",
        b"data: a\n\n",
        b"",
        b"data: b\n\n",
    ]


def test_the_end_of_a_stream_completes_its_last_event_and_a_cut_does_not() -> None:
    events = Events()
    events.feed(b"data: a\n\ndata: b\n")
    assert payloads(events.gathered(ended=True)) == [b"a", b"b"]
    assert payloads(events.gathered(ended=False)) == [b"a"]


def test_a_stream_beyond_the_bound_is_malformed() -> None:
    events = Events()
    events.feed(b"x" * MOST)
    with pytest.raises(AttemptFailed, match="malformed"):
        events.feed(b"x")


@given(st.binary())
def test_any_bytes_have_payloads(body: bytes) -> None:
    assert all(isinstance(payload, bytes) for payload in payloads(read([body])[1]))
