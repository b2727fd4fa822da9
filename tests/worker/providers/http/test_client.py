import email.utils
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.providers import Provider
from tests.waiting import wait_until
from tests.worker.providers.asking import OPENAI as STREAM
from tests.worker.providers.asking import asked, failure, provider, request, revoked_if
from tests.worker.providers.bare_server import END, HEAD, Bare, chunk, responds, sends, serving, stalls, streams
from worker.providers.http import client
from worker.providers.http.retry_after import parse_exhausted, parse_retry_after, parse_scarce


def openai(bare: Bare, **limits: float) -> Provider:
    return provider("openai", bare.url, **limits)


def fresh_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this thread's client anew: it reads the environment's proxies and its constants once."""
    monkeypatch.setattr(client, "_client", client._Client())


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    fresh_client(monkeypatch)


def test_a_connection_is_used_again_after_a_whole_answer() -> None:
    with serving(streams(*STREAM)) as bare:
        asked(openai(bare))
        asked(openai(bare))
        assert (len(bare.requests), bare.connections) == (2, 1)


def test_a_connection_is_used_again_after_an_error_read_to_its_end() -> None:
    with serving(responds(b"429 Too Many Requests", b"{}"), streams(*STREAM)) as bare:
        failure(openai(bare))
        asked(openai(bare))
        assert bare.connections == 1


def test_a_connection_is_not_used_again_when_its_answer_was_given_up() -> None:
    with serving(sends(HEAD + chunk(b"data: {]\n\n")), streams(*STREAM)) as bare:
        assert failure(openai(bare, first_token_timeout=0.1)).reason == "malformed"
        asked(openai(bare))
        assert bare.connections == 2


@pytest.mark.parametrize("headers", [b"Connection: close\r\n", b""])
def test_a_connection_that_the_server_closed_is_replaced(headers: bytes) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\n" + headers + b"\r\n")
    with serving(sends(head + b"".join(map(chunk, STREAM)) + END, keep=False), streams(*STREAM)) as bare:
        asked(openai(bare))
        (pool,) = [client._client.http._transport._pool]
        wait_until(lambda: all(connection.has_expired() for connection in pool.connections))
        asked(openai(bare))
        assert bare.connections == 2


def test_a_connection_idle_for_too_long_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "KEPT", -1.0)
    fresh_client(monkeypatch)
    with serving(streams(*STREAM)) as bare:
        asked(openai(bare))
        asked(openai(bare))
        assert bare.connections == 2


def test_a_refused_connection_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(provider("openai", f"http://127.0.0.1:{port}")).reason == "connection"


def test_a_request_that_is_not_wanted_once_the_connection_is_open_is_not_sent() -> None:
    with serving(streams(*STREAM)) as bare:
        assert failure(openai(bare), check_wanted=revoked_if(lambda: True)).reason == "revoked"
        wait_until(lambda: bare.connections == 1)
        assert not bare.requests


def test_an_unknown_host_is_a_failed_connection() -> None:
    assert failure(provider("openai", "http://provider.invalid")).reason == "connection"


def test_a_connection_closed_before_the_response_is_a_failed_connection() -> None:
    with serving(sends(keep=False)) as bare:
        assert failure(openai(bare)).reason == "connection"


@pytest.mark.parametrize("end", [0, 1, 5, 40, len(chunk(STREAM[0])) + 3])
def test_a_connection_closed_in_mid_answer_truncates_it(end: int) -> None:
    body = b"".join(map(chunk, STREAM[:2]))
    with serving(sends(HEAD + body[:end], keep=False)) as bare:
        assert failure(openai(bare)).reason == "truncated"


def test_an_answer_cut_after_all_that_matters_is_whole() -> None:
    with serving(sends(HEAD + b"".join(map(chunk, STREAM[:4])), keep=False)) as bare:
        answer = asked(openai(bare))
        assert (answer.finish_reason, answer.usage) == ("stop", None)


def test_a_stream_that_does_not_close_after_its_last_event_is_whole() -> None:
    with serving(stalls(HEAD + b"".join(map(chunk, STREAM)))) as bare:
        assert asked(openai(bare)).finish_reason == "stop"


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n" % len(b"".join(STREAM)), b""])
def test_a_body_need_not_be_chunked(framing: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n"
    with serving(sends(head + b"".join(STREAM), keep=False)) as bare:
        assert asked(openai(bare)).finish_reason == "stop"


def test_what_is_not_http_is_malformed() -> None:
    with serving(sends(b"220 smtp ready\r\n\r\n", keep=False)) as bare:
        assert failure(openai(bare)).reason == "malformed"


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(streams(*STREAM)) as other,
        serving(responds(b"307 Temporary Redirect", b"", b"Location: " + other.url.encode())) as bare,
    ):
        assert failure(openai(bare)).status == 307
        assert not other.requests


def test_a_request_refused_before_it_was_read_gives_its_status() -> None:
    big = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with _refusing(big) as url:
        failed = failure(provider("openai", url), request(("user", "x" * 4_000_000)))
        # The reset that follows may overtake the response.
        assert (failed.reason, failed.status) in {("status", 413), ("connection", None)}


def test_a_proxy_of_the_environment_is_asked_with_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(streams(*STREAM)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://us%65r:pw@127.0.0.1:{proxy.port}")
        fresh_client(monkeypatch)
        asked(provider("openai", "http://provider.invalid"))
        head = proxy.requests[0].partition(b"\r\n\r\n")[0]
        assert head.startswith(b"POST http://provider.invalid/v1/chat/completions HTTP/1.1\r\n")
        assert b"Host: provider.invalid\r\n" in head
        assert b"Proxy-Authorization: Basic dXNlcjpwdw==" in head


def test_no_proxy_is_asked_for_a_host_that_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    fresh_client(monkeypatch)
    with serving(streams(*STREAM)) as bare:
        assert asked(openai(bare)).finish_reason == "stop"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "60"}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1.5s"}, 1.5),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"}, 0.0),
        (
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2015-10-21T07:28:00Z"},
            0.0,
        ),
        ({"x-ratelimit-remaining-tokens": "0"}, 0.0),
        ({"retry-after": "60"}, 0.0),
        ({}, 0.0),
    ],
)
def test_what_a_successful_answer_says_is_exhausted(headers: dict[str, str], seconds: float) -> None:
    assert parse_exhausted(headers) == seconds


def of_requests(remaining: str, limit: str = "100", reset: str = "20s") -> dict[str, str]:
    names = ("remaining", "limit", "reset")
    return {f"x-ratelimit-{name}-requests": value for name, value in zip(names, (remaining, limit, reset), strict=True)}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (of_requests("9"), 20.0),
        (of_requests("0"), 20.0),
        (of_requests("10"), 0.0),
        (of_requests("9", limit="none"), 0.0),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "20s"}, 0.0),
        (
            {
                "anthropic-ratelimit-tokens-limit": "80000",
                "anthropic-ratelimit-tokens-remaining": "7000",
                "anthropic-ratelimit-tokens-reset": "30",
            },
            30.0,
        ),
        ({}, 0.0),
    ],
)
def test_what_a_successful_answer_says_is_scarce(headers: dict[str, str], seconds: float) -> None:
    assert parse_scarce(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    seconds = parse_retry_after({"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})
    assert seconds == pytest.approx(100, abs=5)


@contextmanager
def _refusing(response: bytes) -> Iterator[str]:
    """Answers as soon as the first bytes of a request come, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(response)

        thread = threading.Thread(target=refuse)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
