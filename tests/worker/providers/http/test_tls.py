import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.certificates import Certificate, issued
from tests.worker.providers.asking import OPENAI, asked, failure, provider
from tests.worker.providers.bare_server import END, HEAD, Bare, Talk, chunk, received, repeats, sends, serving, stalls
from tests.worker.providers.http.pacing import TOKENS, Reads, flowing
from worker.providers.http import client

WHOLE = sends(HEAD + b"".join(map(chunk, OPENAI)) + END)
URL = "https://provider.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issued(tmp_path_factory.mktemp("tls"), "provider.test")


@pytest.fixture(autouse=True)
def fresh_trust() -> Iterator[None]:
    client._tls.cache_clear()
    yield
    client._tls.cache_clear()


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))


def through(certificate: Certificate, *talks: Talk) -> Talk:
    """Is a proxy and the provider behind it: takes a CONNECT, then speaks TLS."""

    def talk(bare: Bare, sock: socket.socket) -> bool:
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.chain, certificate.key)
        with context.wrap_socket(sock, server_side=True) as secured:
            for then in talks:
                if not (received(bare, secured) and then(bare, secured)):
                    break
        return False

    return talk


def proxied(monkeypatch: pytest.MonkeyPatch, bare: Bare) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{bare.port}")
    monkeypatch.setattr(client, "_client", client._Client())


@pytest.mark.usefixtures("trusted")
def test_a_tls_connection_through_a_proxy_is_used_again(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(through(certificate, WHOLE, WHOLE)) as bare:
        proxied(monkeypatch, bare)
        asked(provider("openai", URL))
        asked(provider("openai", URL))
        assert bare.requests[0].startswith(b"CONNECT provider.test:443 HTTP/1.1\r\nHost: provider.test:443\r\n")
        assert bare.connections == 1


@pytest.mark.usefixtures("trusted")
def test_tokens_over_tls_are_read_several_at_once(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads()
    with serving(through(certificate, flowing())) as bare:
        proxied(monkeypatch, bare)
        answer = asked(provider("openai", URL), check_wanted=reads.check_wanted)
    assert answer.message["content"] == "".join(TOKENS)
    assert reads.count < len(TOKENS) * 2 / 3


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("talk", "limit", "reason"),
    [
        (stalls(), "first_token_timeout", "first_token_timeout"),
        (repeats(HEAD + chunk(OPENAI[1]), chunk(b": ping\n\n")), "idle_timeout", "idle_timeout"),
        (sends(HEAD + chunk(OPENAI[1])[:40], keep=False), "idle_timeout", "truncated"),
    ],
)
def test_limits_hold_over_tls(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, talk: Talk, limit: str, reason: str
) -> None:
    with serving(through(certificate, talk)) as bare:
        proxied(monkeypatch, bare)
        assert failure(provider("openai", URL, **{limit: 0.3})).reason == reason


def test_a_certificate_that_is_not_trusted_is_a_failed_connection(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(through(certificate, WHOLE)) as bare:
        proxied(monkeypatch, bare)
        failed = failure(provider("openai", URL))
        assert failed.reason == "connection"
        assert "CERTIFICATE_VERIFY_FAILED" in failed.detail


def test_a_handshake_that_stalls_passes_the_connect_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(stalls(b"HTTP/1.1 200 Connection established\r\n\r\n")) as bare:
        proxied(monkeypatch, bare)
        assert failure(provider("openai", URL, connect_timeout=0.1)).reason == "connect_timeout"


def test_a_proxy_that_refuses_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(sends(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as bare:
        proxied(monkeypatch, bare)
        failed = failure(provider("openai", URL))
        assert (failed.reason, failed.detail) == ("connection", "407 Proxy Authentication Required")
