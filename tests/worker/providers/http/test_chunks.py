"""Chunks that are taken off: the same body, the same end and the same faults as h11 sees, however the bytes come."""

from collections.abc import Iterable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.providers.bare_server import END, HEAD, chunk
from worker.providers.http.chunks import Chunks

TAILS = [
    END,
    b"0\r\nA: b\r\n\r\n",
    b"00\r\n\r\n",
    b"",
    b"1",
    b"5\r",
    b"5\r\nab",
    b"zz\r\n",
    b"5;a=b\r\nabcde\r\n" + END,
    b"5\r\nabcdeXX" + END,
    b"5\r\nabcdef\r\n0123456789abcde\r\n" + END,
    b"5\r\nabcde5\r\nabcde\r\n" + END,
    b"000000005\r\nabcde\r\n" + END,
    b"-5\r\nabcde\r\n" + END,
]


def seen(reads: Iterable[bytes]) -> tuple[bytes, bool | str]:
    """Returns the body that h11 reads, and whether it ended there; `fault` where h11 refuses it."""
    client, body = h11.Connection(h11.CLIENT), b""
    client.send(h11.Request(method="POST", target="/", headers=[("Host", "a"), ("Content-Length", "0")]))
    client.send(h11.EndOfMessage())
    try:
        for read in (*reads, b""):
            client.receive_data(read)
            while (event := client.next_event()) is not h11.NEED_DATA:
                body += bytes(event.data) if isinstance(event, h11.Data) else b""
                if isinstance(event, h11.EndOfMessage):
                    return body, True
    except h11.RemoteProtocolError:
        return body, "fault"
    return body, False


def taken(reads: Iterable[bytes]) -> tuple[list[bytes], bytes]:
    """Returns what h11 is to see, and the body that was taken off before."""
    chunks, body = Chunks(), list[bytes]()
    chunks.begin(body)
    return [each for each in map(chunks.take, reads) if each], b"".join(body)


def split(whole: bytes, sizes: list[int]) -> list[bytes]:
    """Returns the bytes in reads of these sizes, over and over."""
    reads, at = [], 0
    while at < len(whole):
        size = sizes[len(reads) % len(sizes)]
        reads.append(whole[at : at + size])
        at += size
    return reads


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=20), max_size=6),
    tail=st.sampled_from(TAILS),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_it_is_the_same_body_and_end(bodies: list[bytes], tail: bytes, sizes: list[int]) -> None:
    whole = b"".join(map(chunk, bodies)) + tail
    reads = [HEAD + whole[: sizes[0]], *split(whole[sizes[0] :], sizes)]
    rest, body = taken(reads)
    behind, end = seen(rest)
    assert (body + behind, end) == seen(reads)


def test_h11_sees_head_and_end() -> None:
    bodies = [b"a", b"bc", b"d" * 300]
    assert taken([HEAD + b"".join(map(chunk, bodies)) + END]) == ([HEAD + END], b"".join(bodies))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Enc",
    ],
)
def test_what_is_not_chunked_passes_unchanged(head: bytes) -> None:
    reads = [head, b"1\r\na\r\n1\r\nb\r\n"]
    assert taken(reads) == (reads, b"")


def test_each_response_begins_anew() -> None:
    chunks = Chunks()
    for _ in range(2):
        chunks.begin(body := [])
        assert (chunks.take(HEAD + chunk(b"a") + chunk(b"b") + END), body) == (HEAD + END, [b"a", b"b"])
