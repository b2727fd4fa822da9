"""Headers of the operator's own, as they arrive."""

from pydantic import SecretStr

from config.headers import HeaderVariable
from config.providers import Dialect, Provider
from tests.worker.providers.asking import ANTHROPIC, KEY, OPENAI, asked, failure, provider
from tests.worker.providers.bare_server import responds, serving, streams
from worker.health.probe import probe
from worker.providers import headers

SECRET = "org-secret-0123456789"


def with_headers(dialect: Dialect, url: str, **more: str | HeaderVariable) -> Provider:
    own = {"X-Team": "search", "X-Org": HeaderVariable(env="ORG_ID", value=SecretStr(SECRET)), **more}
    return provider(dialect, url).model_copy(update={"headers": own})


def sent(request: bytes, name: bytes) -> list[bytes]:
    """Returns the values of a header, whatever its case."""
    lines = [line.partition(b": ") for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    return [value for key, _, value in lines if key.lower() == name]


def test_a_request_and_a_probe_carry_them_beside_the_dialect_s() -> None:
    with serving(streams(*OPENAI), responds(b"200 OK", b"{}")) as bare:
        own = with_headers("openai", bare.url)
        asked(own)
        probe(own)
        for request in bare.requests:
            assert sent(request, b"x-team") == [b"search"]
            assert sent(request, b"x-org") == [SECRET.encode()]
            assert sent(request, b"authorization") == [f"Bearer {KEY}".encode()]


def test_they_replace_the_dialect_s_and_the_client_s_whatever_the_case() -> None:
    gateway = HeaderVariable(env="G", value=SecretStr("gateway-key"))
    more = {"X-API-Key": gateway, "Anthropic-Version": "2099-01-01", "user-agent": "us"}
    with serving(streams(*ANTHROPIC)) as bare:
        asked(with_headers("anthropic", bare.url, **more))
        [request] = bare.requests
    assert sent(request, b"x-api-key") == [b"gateway-key"]
    assert sent(request, b"anthropic-version") == [b"2099-01-01"]
    assert sent(request, b"user-agent") == [b"us"]


def test_an_error_that_quotes_one_from_a_variable_is_scrubbed() -> None:
    with serving(responds(b"400 Bad Request", b'{"error": {"message": "no org %s"}}' % SECRET.encode())) as bare:
        failed = failure(with_headers("openai", bare.url))
    assert failed.detail == "no org [...]"


def test_without_headers_of_one_s_own_the_dialect_s_stay_as_they_are() -> None:
    assert headers.headers(provider("llama_cpp", "http://h")) == {
        "Authorization": f"Bearer {KEY}",
        "Connection": "close",
    }
