import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import AttemptFailed
from worker.providers.http.sse import MOST, Payloads

A, B, DONE = b'{"a":1}', b'{"b":{"c":2}}', b"[DONE]"
BODIES = {
    "one line of data": (b"data: %b\n\ndata: %b\n\ndata: [DONE]\n\n", [A, B, DONE]),
    "names": (b"event: x\ndata: %b\n\nevent: y\ndata: %b\n\n", [A, B]),
    "no space": (b"data:%b\n\ndata:%b\n\ndata:[DONE]\n\n", [A, B, DONE]),
    "a byte order mark": (b"\xef\xbb\xbfdata: %b\n\ndata: %b\n\n", [A, B]),
    "carriage returns": (b"data: %b\r\n\r\ndata: %b\r\n\r\n", [A, B]),
    "lone carriage returns": (b"data: %b\r\rdata: %b\r\r", [A, B]),
    "no blank lines": (b"data: %b\ndata: %b\ndata: [DONE]\n", [A, B, DONE]),
    "names and no blank lines": (b"event: x\ndata: %b\nevent: y\ndata: %b\n", [A, B]),
    "no end of line": (b"data: %b\n\ndata: %b", [A, B]),
    "fields and comments": (b": busy\n\nretry: 3\nid: 4\ndata: \n\ndata: %b\n\nevent: ping\n\ndata: %b\n\n", [A, B]),
    "a ping that is no JSON": (b"data: %b\n\nevent: ping\ndata: 12:30\n\ndata: %b\n\n", [A, B]),
    "a ping that is JSON": (b"event: ping\ndata: %b\n\nevent: x\ndata: %b\n\n", [A, B]),
    "a comment as data": (b"data: %b\n\ndata: : PROCESSING\n\ndata: %b\n\n", [A, B]),
    "lines of JSON": (b"%b\n%b\n", [A, B]),
    "an error of llama.cpp": (b"data: %b\n\nerror: %b\n\n", [A, B]),
    "an object behind": (b"data: %b\n\n%b\n", [A, B]),
    "an object of several lines behind": (b'data: %b\n\n{\n "b": %b\n}\n', [A, b'{\n "b": ' + B + b"\n}"]),
    "one object": (b'\n {\n"a": %b,\n\n"b": %b\n}\n', [b'{\n"a": ' + A + b',\n"b": ' + B + b"\n}"]),
    "data in several lines": (b"data: {\ndata: %b\ndata: }\n\ndata: %b\n\n", [b"{\n" + A + b"\n}", B]),
}


def read(chunks):
    payloads = Payloads()
    found = [payload for chunk in chunks for payload in payloads.feed(chunk)]
    return found + payloads.end()


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
@given(data=st.data())
def test_any_chunking_has_the_same_payloads(body, expected, data):
    whole = body % (A, B)
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=20))
    cuts = [0, *sorted(places), len(whole)]
    assert read([whole[a:b] for a, b in itertools.pairwise(cuts)]) == expected


def test_an_event_is_there_as_soon_as_it_ends():
    payloads = Payloads()
    assert payloads.feed(b"data: " + A + b"\n") == []
    assert payloads.feed(b"\n") == [A]
    assert payloads.feed(b"data: " + B + b"\n\ndata: ") == [B]


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb", b"<html>\n</html>", b"event: ping\n\n", b": busy\n\n"])
def test_what_holds_no_event_has_no_payload(body):
    assert read([body]) == []


def test_a_long_line_comes_in_any_number_of_pieces():
    payloads, piece = Payloads(), 1_000 * b"x"
    payloads.feed(b'data: {"a": "')
    for _ in range(7_000):
        payloads.feed(piece)
    assert payloads.feed(b'"}\n\n') == [b'{"a": "' + 7_000 * piece + b'"}']


def test_a_body_without_end_is_malformed():
    payloads, line = Payloads(), b"data: {}\n"
    for _ in range(MOST // len(line) // 100_000):
        payloads.feed(line * 100_000)
    with pytest.raises(AttemptFailed, match="malformed"):
        payloads.feed(line * 100_000)


@given(st.binary())
def test_any_bytes_have_payloads(body):
    assert all(read([body]))
