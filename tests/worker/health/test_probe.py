import socket

import pytest
from pydantic import SecretStr

from config.providers import Dialect
from tasks.local.llama import Llama
from tasks.local.llmock import LLMock
from tests.worker.providers.asking import KEY, provider
from tests.worker.providers.bare_server import Talk, repeats, responds, sends, serving, stalls
from worker.health import probe as module
from worker.health.probe import probe
from worker.providers.model_list import MOST_BYTES, Listed, Listing


@pytest.mark.parametrize(
    ("dialect", "line", "header"),
    [
        ("anthropic", b"GET /v1/models?limit=1000 HTTP/1.1", f"x-api-key: {KEY}"),
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


LIST = b'{"data": [{"id": "a-model"}, {"id": "another"}]}'
LISTED = Listing((Listed("a-model"), Listed("another")), whole=True)


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_the_answer_that_shows_the_key_is_the_list_of_models(dialect: Dialect) -> None:
    with serving(responds(b"200 OK", LIST)) as bare:
        assert probe(provider(dialect, bare.url)).models == LISTED
        assert len(bare.requests) == 1


@pytest.mark.parametrize(("key", "path"), [(SecretStr(KEY), b"/props"), (None, b"/health")])
def test_llama_cpp_is_asked_for_its_list_after_its_state(key: SecretStr | None, path: bytes) -> None:
    with serving(responds(b"200 OK", b"{}"), responds(b"200 OK", LIST)) as bare:
        probed = probe(provider("llama_cpp", bare.url).model_copy(update={"api_key": key}))
        assert (probed.authenticated, probed.error, probed.models) == (True, None, LISTED)
        assert [request.split()[1] for request in bare.requests] == [path, b"/v1/models"]


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"401 Unauthorized"])
def test_a_llama_cpp_that_does_not_answer_well_is_not_asked_for_its_list(status: bytes) -> None:
    with serving(responds(status, b"{}"), responds(b"200 OK", LIST)) as bare:
        assert probe(provider("llama_cpp", bare.url)).models is None
        assert len(bare.requests) == 1


def test_a_list_that_wants_a_key_shows_that_none_is_not_enough() -> None:
    with serving(responds(b"200 OK", b"{}"), responds(b"401 Unauthorized", b"{}")) as bare:
        probed = probe(provider("llama_cpp", bare.url).model_copy(update={"api_key": None}))
        assert (probed.reachable, probed.authenticated, probed.error) == (True, False, "status 401")
        assert probed.models is None


HUGE = b'{"data": [{"id": "a-model"}], "remaining": "' + b"x" * MOST_BYTES + b'"}'
NO_LISTS = {
    "missing": responds(b"204 No Content", b""),
    "malformed": responds(b"200 OK", b"<html>"),
    "huge": responds(b"200 OK", HUGE),
    "cut": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + LIST[:-1], keep=False),
    "endless": repeats(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.mark.parametrize("talk", NO_LISTS.values(), ids=NO_LISTS)
@pytest.mark.parametrize("dialect", ["openai", "llama_cpp"])
def test_a_list_that_cannot_be_read_is_no_failure(
    dialect: Dialect, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WITHIN", 1.0)
    before = [responds(b"200 OK", b"{}", b"Connection: close")] if dialect == "llama_cpp" else []
    with serving(*before, talk) as bare:
        probed = probe(provider(dialect, bare.url))
    assert (probed.reachable, probed.authenticated, probed.error) == (True, True, None)
    assert probed.models is None


@pytest.mark.parametrize(
    "talk", [stalls(), sends(keep=False), responds(b"404 Not Found", LIST), responds(b"500 Oops", LIST)]
)
def test_a_llama_cpp_whose_list_does_not_come_is_as_its_state_says(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN", 0.5)
    with serving(responds(b"200 OK", b"{}"), talk) as bare:
        probed = probe(provider("llama_cpp", bare.url))
    assert (probed.reachable, probed.authenticated, probed.error, probed.models) == (True, True, None, None)


def test_an_error_s_body_is_no_list() -> None:
    with serving(responds(b"401 Unauthorized", LIST)) as bare:
        assert probe(provider("openai", bare.url)).models is None


def test_a_simulated_vendor_lists_its_models(llmock: LLMock) -> None:
    claude = probe(provider("anthropic", f"{llmock.url}/anthropic")).models
    assert claude
    assert claude.whole
    assert "claude-haiku-4-5-20251001" in [model.id for model in claude.models]
    openai = probe(provider("openai", llmock.url)).models
    assert openai
    assert Listed("gpt-4o", created=openai.models[0].created) == openai.models[0]


@pytest.mark.parametrize(("key", "authenticated"), [(None, False), ("wrong", False), ("right", True)])
def test_a_real_llama_cpp_lists_its_model_to_who_has_its_key(
    llama: Llama, key: str | None, authenticated: bool
) -> None:
    keys = {"wrong": SecretStr("wrong"), "right": SecretStr(llama.key), None: None}
    probed = probe(provider("llama_cpp", llama.url).model_copy(update={"api_key": keys[key]}))
    assert (probed.reachable, probed.authenticated) == (True, authenticated)
    assert [model.id for model in (probed.models.models if probed.models else ())] == ["smollm2"] * authenticated
