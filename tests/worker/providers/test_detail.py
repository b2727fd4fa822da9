import json

import pytest

from tests.worker.providers.asking import KEY, failure, provider, request
from tests.worker.providers.bare_server import responds, serving
from worker.providers.detail import MOST, told

PROMPT = "The patient, born on the 3rd of May, complains\nof a pain in the left knee since Tuesday."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("model is overloaded", "model is overloaded"),
        ("two\nlines \t of it", "two lines of it"),
        ("x" * 1000, "x" * MOST),
        (f"bad key {KEY}!", "bad key [...]!"),
        (f"invalid: {PROMPT!r}", "invalid: '[...]"),
        (f"invalid: {PROMPT}", "invalid: [...]"),
        ("near 'born on the 3rd of May, complains of a pain': no", "near '[...]': no"),
        ("near ' the left knee since Tuesday.", "near '[...]"),
    ],
)
def test_a_detail_is_one_short_line_without_what_is_ours(said: str, shown: str) -> None:
    assert told(said, [KEY, PROMPT, "", "abc"])[: len(shown)] == shown


@pytest.mark.parametrize("start", range(0, 40, 3))
def test_any_piece_of_31_characters_is_found(start: int) -> None:
    piece = " ".join(PROMPT.split())[start : start + 31]
    assert piece not in told(f"unexpected {piece} here", [PROMPT])


def test_an_error_body_is_told_without_key_and_prompt() -> None:
    body = json.dumps({"error": {"message": f"{KEY} may not say {PROMPT}", "type": "t", "code": 400}}).encode()
    with serving(responds(b"400 Bad Request", body, b"Request-Id: req_7", b"Retry-After: 3")) as bare:
        failed = failure(provider("openai", bare.url), request(("user", PROMPT)))
    assert failed.detail == "[...] may not say [...]"
    assert (failed.codes, failed.retry_after, failed.request_id) == (("t",), 3.0, "req_7")


@pytest.mark.parametrize(
    ("body", "codes", "detail"),
    [
        (b'{"type":"error","error":{"type":"a","message":"m","details":{"error_code":"b"}}}', ("b", "a"), "m"),
        (b'{"error":{"message":"m","type":"a","param":null,"code":"b"}}', ("b", "a"), "m"),
        (b'{"error":{"code":503,"message":"m","type":"a"}}', ("a",), "m"),
        (b'{"object":"error","message":"m","type":"a","code":400}', ("a",), "m"),
        (b'{"error":"m"}', (), "m"),
        (b"<html>\n<h1>Bad gateway</h1>", (), "<html> <h1>Bad gateway</h1>"),
        (b'{"error":{"type":"with spaces and\\nlines","code":["x"],"message":7}}', (), '{"error":'),
        (b"[" * 60_000, (), "[["),
        (b"\xff\xfe", (), "\ufffd"),
        (b"", (), ""),
    ],
)
def test_every_shape_of_error_body_is_read(body: bytes, codes: tuple[str, ...], detail: str) -> None:
    with serving(responds(b"500 Oops", body)) as bare:
        failed = failure(provider("openai", bare.url))
    assert (failed.reason, failed.status, failed.codes) == ("status", 500, codes)
    assert failed.detail.startswith(detail)


def test_an_error_whose_body_is_cut_keeps_its_status() -> None:
    with serving(lambda bare, sock: bool(sock.sendall(b"HTTP/1.1 429 No\r\nContent-Length: 99\r\n\r\n{"))) as bare:
        assert failure(provider("openai", bare.url)).status == 429
