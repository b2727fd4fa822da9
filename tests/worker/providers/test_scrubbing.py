import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.worker.providers.asking import KEY, failure, provider, request
from tests.worker.providers.bare_server import responds, serving
from tests.worker.providers.request_cases import image, text, user
from worker.providers.scrubbing import MOST, scrubbed
from worker.request import parse

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
    assert scrubbed(said, [KEY, PROMPT, "", "abc"])[: len(shown)] == shown


@pytest.mark.parametrize("start", range(0, 40, 3))
def test_any_piece_of_31_characters_is_found(start: int) -> None:
    piece = " ".join(PROMPT.split())[start : start + 31]
    assert piece not in scrubbed(f"unexpected {piece} here", [PROMPT])


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
        (b"<html>\n<h1>Bad gateway</h1>", (), "Bad gateway"),
        (b'{"error":{"type":"with spaces and\\nlines","code":["x"],"message":7}}', ("x",), ""),
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


SECRET = "zebra-prompt-7731"
MANY = {
    "messages": [{"role": "user", "content": f'She wrote "{SECRET}"\non a Größe of paper 😀, twice.'}],
    "user": f"user-{SECRET}",
    "stop": [f"stop-{SECRET}"],
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"properties": {"a": {"const": f"tool-{SECRET}"}}}},
        }
    ],
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "s", "schema": {"type": "object", "description": f"schema-{SECRET}"}},
    },
    "provider_options": {"p": {"extra": [f"option-{SECRET}"]}},
}
QUOTES = {
    "as JSON": json.dumps,
    "as JSON without ASCII": lambda value: json.dumps(value, ensure_ascii=False),
    "as Python": repr,
    "as it is": str,
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
@pytest.mark.parametrize("field", MANY)
def test_whatever_field_a_provider_quotes_is_taken_out(field: str, quote: Callable[[object], str]) -> None:
    values = MANY[field]
    said = quote(values if field in ("tools", "response_format", "provider_options") else text_in(values))
    with serving(responds(b"422 No", json.dumps({"error": {"message": f"bad: {said}"}}).encode())) as bare:
        failed = failure(provider("openai", bare.url), parse(MANY, ("default",)))
    assert failed.detail.startswith("bad: ")
    assert SECRET not in failed.said


def text_in(values: Any) -> str:
    return (
        str(values[0]["content"] if isinstance(values[0], dict) else values[0]) if isinstance(values, list) else values
    )


@pytest.mark.parametrize("escape", [str, html.escape, quote_plus], ids=lambda escape: escape.__name__)
def test_a_signature_in_a_url_is_taken_out_however_it_is_escaped(escape: Callable[[str], str]) -> None:
    url = f"https://bucket.example/a.png?key={SECRET}&expires=1"
    said = f"cannot fetch {escape(url)}"
    with serving(responds(b"400 No", json.dumps({"error": {"message": said}}).encode())) as bare:
        failed = failure(provider("openai", bare.url), parse({"messages": [user(image(url), text("?"))]}, ("default",)))
    assert failed.detail.startswith("cannot fetch ")
    assert SECRET not in failed.said


def test_a_code_that_quotes_the_key_is_none() -> None:
    body = json.dumps({"error": {"message": "no", "code": KEY, "type": "authentication_error"}}).encode()
    with serving(responds(b"401 No", body)) as bare:
        failed = failure(provider("openai", bare.url))
    assert failed.codes == ("authentication_error",)


def test_an_error_whose_body_is_cut_keeps_its_status() -> None:
    with serving(lambda bare, sock: bool(sock.sendall(b"HTTP/1.1 429 No\r\nContent-Length: 99\r\n\r\n{"))) as bare:
        assert failure(provider("openai", bare.url)).status == 429
