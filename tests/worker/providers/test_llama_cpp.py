from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.outcomes import Outcome
from config.providers import Dialect
from tests.worker.providers import llama_cpp_server
from tests.worker.providers.asking import KEY, asked, failure, provider, request
from worker.chain.classify import classify
from worker.health.probe import probe

pytest.importorskip("xllamacpp", reason="the real llama.cpp is not installed (extra `local`)")
DIALECTS: list[Dialect] = ["llama_cpp", "openai", "anthropic"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    llama_cpp_server.write_model(path)
    return path


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    with llama_cpp_server.running(model, KEY) as url:
        yield url


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_server_answers(server: str, dialect: Dialect) -> None:
    # Anthropic's dialect has no temperature any more, and chance ends an answer before its first word.
    cold: Any = {"temperature": 0.0, "provider_options": {"p": {"temperature": 0.0}}, "user": "u1"}
    conversation = request(("system", "s"), ("user", "u"), ("user", "v"), max_tokens=8, **cold)
    answer = asked(provider(dialect, server), conversation)
    assert answer.message["content"]
    assert answer.finish_reason in ("stop", "length")
    assert answer.model
    assert answer.usage is not None
    assert answer.usage.prompt > 0
    assert 0 < answer.usage.completion <= 8


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_server_asks_for_the_key(server: str, dialect: Dialect) -> None:
    wrong = provider(dialect, server).model_copy(update={"api_key": SecretStr("wrong")})
    failed = failure(wrong)
    assert (failed.status, classify(failed, {}).outcome) == (401, Outcome.AUTHENTICATION)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_prompt_beyond_the_window_is_too_large(server: str, dialect: Dialect) -> None:
    failed = failure(provider(dialect, server), request(("user", "word " * 400)))
    assert classify(failed, {}).outcome == Outcome.TOO_LARGE


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("key", "authenticated"), [(KEY, True), ("wrong", False)])
def test_a_probe_tells_whether_the_key_is_good(server: str, dialect: Dialect, key: str, authenticated: bool) -> None:
    probed = probe(provider(dialect, server).model_copy(update={"api_key": SecretStr(key)}))
    assert (probed.reachable, probed.authenticated) == (True, authenticated)


def test_a_server_that_asks_for_no_key_counts_as_authenticated(model: Path) -> None:
    with llama_cpp_server.running(model) as url:
        for key in (None, SecretStr(KEY)):
            probed = probe(provider("llama_cpp", url).model_copy(update={"api_key": key}))
            assert (probed.reachable, probed.authenticated, probed.error) == (True, True, None)
