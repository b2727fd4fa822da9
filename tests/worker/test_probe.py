import socket

import pytest

from config.providers import Dialect
from tests.worker.providers.asking import KEY, provider
from tests.worker.providers.bare_server import repeats, responds, serving
from worker import probe as module
from worker.probe import probe


@pytest.mark.parametrize(
    ("dialect", "line", "header"),
    [
        ("anthropic", b"GET /v1/models?limit=1 HTTP/1.1", f"x-api-key: {KEY}"),
        ("openai", b"GET /v1/models HTTP/1.1", f"Authorization: Bearer {KEY}"),
        ("llama_cpp", b"GET /props HTTP/1.1", f"Authorization: Bearer {KEY}"),
    ],
)
def test_a_probe_asks_for_what_costs_nothing_and_needs_the_key(dialect: Dialect, line: bytes, header: str) -> None:
    with serving(responds(b"200 OK", b"{}")) as bare:
        probed = probe(provider(dialect, bare.url))
        assert (probed.reachable, probed.authenticated, probed.error) == (True, True, None)
        assert bare.requests[0].startswith(line)
        assert header.encode() in bare.requests[0]


@pytest.mark.parametrize(
    ("status", "reachable", "keyless"),
    [
        (b"401 Unauthorized", True, False),
        (b"404 Not Found", True, True),
        (b"429 Too Many Requests", True, True),
        (b"503 Service Unavailable", False, False),
    ],
)
def test_an_error_proves_no_key(status: bytes, reachable: bool, keyless: bool) -> None:
    with serving(responds(status, b"{}")) as bare:
        known = probe(provider("openai", bare.url))
        assert (known.reachable, known.authenticated, known.error) == (reachable, False, f"status {int(status[:3])}")
        assert probe(provider("openai", bare.url).model_copy(update={"api_key": None})).authenticated is keyless


def test_no_connection_is_not_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    probed = probe(provider("openai", f"http://127.0.0.1:{port}"))
    assert (probed.reachable, probed.authenticated) == (False, False)
    assert probed.error == "connection: Connection refused"


def test_a_probe_ends_although_the_provider_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN", 0.1)
    with serving(repeats(b"HTTP/1.1 200 OK\r\n", b"a")) as bare:
        assert probe(provider("openai", bare.url)).error == "no answer within 0.1 s"
