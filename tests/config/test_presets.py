"""Presets: a name is enough, a table overrides it field by field, and each fact has a source."""

import re

import pytest

from config.presets import PRESETS, SOURCES
from config.providers import Model, Provider
from config.settings import ConfigurationError, load
from worker.providers.dialects import DIALECTS

VENDORS = {"anthropic", "openai", "groq", "mistral", "deepseek", "gemini", "xai", "openrouter", "together", "azure"}
SERVERS = {"llama_cpp", "ollama", "vllm"}
URL = re.compile(r"https://[\w.-]+/\S+")
THREAD = re.compile(r"[\w.-]+/[\w.-]+#\d+")


def preset(name, more=""):
    return f"[providers.x]\npreset = '{name}'\n{more}"


@pytest.mark.parametrize("name", PRESETS)
def test_the_name_of_a_preset_is_enough(load_toml, name):
    provider = load_toml(preset(name)).providers["x"]
    assert (provider.name, provider.preset, provider.dialect) == ("x", name, PRESETS[name]["dialect"])
    assert provider.missing in ("no base URL", "no model", "no API key")


@pytest.mark.parametrize("name", PRESETS)
def test_with_what_it_wants_a_preset_can_be_asked(load_toml, name):
    environ, provider = {}, load_toml(preset(name)).providers["x"]
    while provider.wanted:
        value = "https://h.example/v1" if provider.missing == "no base URL" else "a-word"
        environ[provider.wanted] = value
        provider = load_toml(preset(name), **environ).providers["x"]
    assert provider.missing is None
    assert len(environ) <= 3


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_has_sources(name):
    assert SOURCES[name]
    assert all(URL.fullmatch(source) or THREAD.fullmatch(source) for source in SOURCES[name])


def test_the_usual_vendors_and_servers_have_one():
    assert set(PRESETS) >= VENDORS | SERVERS


def test_a_key_is_all_that_a_vendor_wants(load_toml):
    groq = load_toml(preset("groq"), GROQ_API_KEY="k").providers["x"]
    assert (groq.missing, groq.base_url, groq.api_key.get_secret_value()) == (
        None,
        "https://api.groq.com/openai/v1",
        "k",
    )
    unsupported = {"images", "files", "audio"}
    assert groq.models["default"] == Model(name="openai/gpt-oss-120b", unsupported=unsupported, reasons=True)


def test_a_table_overrides_its_preset_field_by_field_and_a_model_as_a_whole(load_toml):
    own = "idle_timeout = 5\napi_key_env = 'MINE'\nmodels.default = { name = 'a-model' }"
    found, known = load_toml(preset("groq", own)).providers["x"], PRESETS["groq"]
    assert (found.idle_timeout, found.api_key_env, found.base_url) == (5.0, "MINE", known["base_url"])
    assert found.models == {"default": Model(name="a-model"), "fast": Model(**known["models"]["fast"])}


@pytest.mark.parametrize(
    ("more", "environ", "base_url"),
    [
        ("", {}, "http://localhost:8000/v1"),
        ("", {"VLLM_BASE_URL": "http://gpu:1/v1"}, "http://gpu:1/v1"),
        ("base_url = 'http://mine:1/v1'", {"VLLM_BASE_URL": "http://gpu:1/v1"}, "http://mine:1/v1"),
        (
            "base_url = 'http://mine:1/v1'\nbase_url_env = 'GPU'",
            {"VLLM_BASE_URL": "http://a:1", "GPU": "http://b:1"},
            "http://b:1/v1",
        ),
    ],
)
def test_the_variable_of_a_preset_does_not_replace_the_base_url_of_a_table(load_toml, more, environ, base_url):
    assert load_toml(preset("vllm", more), **environ).providers["x"].base_url == base_url


AZURE = "https://r.openai.azure.com"


@pytest.mark.parametrize(
    ("name", "given", "base_url"),
    [
        *(
            ("azure", f"{AZURE}{path}", f"{AZURE}/openai/v1")
            for path in ("", "/", "/openai", "/openai/v1", "/openai/v1/")
        ),
        ("azure", f"{AZURE}/openai/v1/chat/completions", f"{AZURE}/openai/v1"),
        ("azure", "https://gateway.example/azure", "https://gateway.example/azure"),
        ("ollama", "http://ollama:11434", "http://ollama:11434/v1"),
        ("vllm", "http://vllm.ml:8000/", "http://vllm.ml:8000/v1"),
        ("vllm", "http://gpu:8000/prefix/v1", "http://gpu:8000/prefix/v1"),
        ("llama_cpp", "http://gpu:8080/v1", "http://gpu:8080"),
        ("anthropic", "https://gateway.example/v1/messages", "https://gateway.example"),
        ("openai", "https://gateway.example/chat/completions", "https://gateway.example"),
    ],
)
def test_a_base_url_is_taken_as_people_copy_it(load_toml, name, given, base_url):
    assert load_toml(preset(name, f"base_url = '{given}'")).providers["x"].base_url == base_url


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_appends_is_taken_off(dialect):
    url = f"https://gateway.example{DIALECTS[dialect].path}"
    given = Provider(name="x", dialect=dialect, models={"default": {"name": "m"}}, base_url=url)
    assert given.base_url == "https://gateway.example"


@pytest.mark.parametrize("path", ["v1", "/v1/", "/", "/v1?a", "//x"])
def test_the_path_of_an_api_is_a_path(path):
    with pytest.raises(ValueError, match="base_path"):
        Provider(name="x", dialect="openai", models={"default": {"name": "m"}}, base_path=path)


def test_a_default_provider_can_be_made_another_s(load_toml):
    settings = load_toml("providers.openai.preset = 'groq'", GROQ_API_KEY="k")
    assert settings.providers["openai"].base_url == "https://api.groq.com/openai/v1"
    assert settings.providers["openai"].missing is None


def test_a_variable_names_a_preset_too():
    providers = load({"FALLBACK_PROVIDERS__FAR__PRESET": "mistral", "MISTRAL_API_KEY": "k"}).providers
    assert (providers["far"].missing, providers["far"].base_url) == (None, "https://api.mistral.ai/v1")


@pytest.mark.parametrize(("value", "shown"), [("'grok'", "'grok'"), ("'sk-secret word'", "of that name"), ("3", "of")])
def test_an_unknown_preset_is_one_line_with_its_path_and_those_that_there_are(load_toml, value, shown):
    with pytest.raises(ConfigurationError) as refused:
        load_toml(f"[providers.x]\npreset = {value}")
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"providers.x.preset: no preset {shown}")
    assert line.endswith(f"; there are {', '.join(PRESETS)}")
    assert "secret" not in line


def test_a_server_of_one_s_own_may_go_without_a_key_and_a_vendor_may_not(load_toml):
    named = "models.default.name = 'm'"
    assert load_toml(preset("ollama", named)).providers["x"].missing is None
    assert load_toml(preset("groq", named)).providers["x"].missing == "no API key"


@pytest.mark.parametrize("path", ["key", "https://h/key", "/a b", "/a\n"])
def test_the_path_of_a_probe_is_a_path(path):
    with pytest.raises(ValueError, match="probe_path"):
        Provider(name="x", dialect="openai", models={"default": {"name": "m"}}, probe_path=path)
