"""Plain HTTP goes to hosts that are not public, and to those that the operator allows by name."""

import pytest

from config.settings import ConfigurationError, load

NEAR = [
    "localhost",
    "127.8.9.9",
    "[::1]",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.1.1",
    "[fd00::1]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "ollama",
    "my_llama-2",
    "3proxy",
    "gpu.local",
    "host.docker.internal",
    "llama.internal.",
    "llama.localhost",
    "GPU.HOME.ARPA",
    "vllm.ml.svc",
    "vllm.ml.svc.cluster.local",
    "vllm.ml",  # a service of Kubernetes and its namespace, by the port of its own
    "ollama.dev",
    "vllm-2.gpu-pool",
]
PUBLIC = [
    "api.openai.com",
    "api.openai.com.",
    "ai.",
    "8.8.8.8",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::808:808]",
    "134744072",  # 8.8.8.8, as one number
    "0x08080808",
    "8.8.2056",
    "100.64.0.1",
    "local.example.com",
    "notlocal.example",
    "api。openai。com",  # httpx reads these as dots
    "api%2eopenai%2ecom",
    "vllm.ml",
    "vllm.ml:80",
    "openai.com:8000",
    "api.openai.com:8000",
    "8.8.8.8:8000",
    "8.2056:8000",
    "api.ml:443",
    "svc.example.com",
]
REASON = "is http:// to a public host, which shows everybody key and prompts; https:// or allow_http"


@pytest.mark.parametrize("host", NEAR)
def test_a_host_that_is_not_public_is_asked_over_plain_http(load_toml, host):
    settings = load_toml(f"providers.openai.base_url = 'http://{host}:8080/v1'")
    assert settings.providers["openai"].base_url == f"http://{host}:8080/v1"


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_host_is_refused_over_plain_http(load_toml, host):
    with pytest.raises(ConfigurationError) as refused:
        load_toml(f"providers.openai.base_url = 'HTTP://{host}/v1'")
    assert str(refused.value) == f"providers.openai.base_url: {REASON}"


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_host_is_asked_over_https(load_toml, host):
    load_toml(f"providers.openai.base_url = 'https://{host}/v1'")


def test_a_provider_is_allowed_by_name_and_the_others_stay_refused(load_toml):
    allowed = "providers.openai = { allow_http = true, base_url = 'http://8.8.8.8' }\n"
    assert load_toml(allowed).providers["openai"].base_url == "http://8.8.8.8"
    with pytest.raises(ConfigurationError) as refused:
        load_toml(allowed + "providers.claude.base_url = 'http://8.8.8.8'")
    assert str(refused.value) == f"providers.claude.base_url: {REASON}"


def test_the_environment_is_held_to_it_too_and_may_allow_it():
    environ = {"OPENAI_BASE_URL": "http://proxy.example.com"}
    with pytest.raises(ConfigurationError):
        load(environ)
    load({**environ, "FALLBACK_PROVIDERS__OPENAI__ALLOW_HTTP": "true"})


def test_a_wrong_permission_is_the_one_error(load_toml):
    with pytest.raises(ConfigurationError) as refused:
        load_toml("providers.openai = { allow_http = 'perhaps', base_url = 'http://8.8.8.8' }")
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["providers.openai.allow_http"]
