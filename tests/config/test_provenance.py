"""Where each setting in force came from, by the layers that the settings are made of."""

from functools import reduce

import pytest

from config.provenance import effective
from config.settings import load

FILE = """
namespace = "blue"
[breaker]
success_threshold = 3
[providers.claude]
breaker = { cooldown_period = 7.0 }
models.fast = { name = "x" }
[chains.default]
timeout = 5
"""
OUTCOME = "FALLBACK_CHAINS__HIGH_PRIORITY__OUTCOMES__RATE_LIMITED__SAME_PROVIDER"
MODEL = "FALLBACK_PROVIDERS__CLAUDE__MODELS__FAST__"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "fallback.toml"
    path.write_text(FILE, "utf-8")
    return str(path)


def shown(**environ):
    return {entry.path: (entry.value, entry.origin) for entry in effective(environ)}


def plain(value):
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


def test_every_setting_has_the_value_in_force(file):
    environ = {"FALLBACK_CONFIG": file, OUTCOME: "never"}
    dumped, entries = load(environ).model_dump(by_alias=True), effective(environ)
    for entry in entries:
        if entry.path != "redis_url.password":
            assert entry.value == plain(reduce(dict.__getitem__, entry.path.split("."), dumped)), entry
    assert len(entries) > 100


FROM_FILE = {
    "namespace": "blue",
    "breaker.success_threshold": 3,
    "providers.claude.breaker.success_threshold": 3,
    "providers.llama_cpp.breaker.success_threshold": 3,
    "providers.openai.breaker.success_threshold": 3,
    "providers.claude.breaker.cooldown_period": 7.0,
    "providers.claude.models.fast.name": "x",
    "chains.default.timeout": 5.0,
}


def test_what_the_file_says_and_nothing_else_comes_from_the_file(file):
    found = shown(FALLBACK_CONFIG=file)
    assert {path: value for path, (value, origin) in found.items() if origin == file} == FROM_FILE
    presets = {"preset anthropic", "preset llama_cpp", "preset openai"}
    assert {origin for _, origin in found.values()} == {file, "default", *presets}
    assert found["providers.claude.models.fast.context"] == (None, "default")


VARIABLES = [
    ({"REDIS_URL": "redis://h:1/2"}, "redis_url", "redis://h:1/2", "REDIS_URL"),
    ({"REDIS_URL": "redis://h/2", "FALLBACK_REDIS_URL": "redis://i:1/3"}, "redis_url", "redis://i:1/3", None),
    ({"ANTHROPIC_BASE_URL": "http://a"}, "providers.claude.base_url", "http://a", "ANTHROPIC_BASE_URL"),
    ({"ANTHROPIC_API_KEY": "k"}, "providers.claude.api_key", "set", "ANTHROPIC_API_KEY"),
    ({}, "providers.claude.api_key", None, "default"),
    ({OUTCOME: "never"}, "chains.high-priority.outcomes.rate-limited.same_provider", "never", OUTCOME),
    ({"fallback_namespace": "green"}, "namespace", "green", "fallback_namespace"),
    ({"FALLBACK_NAMESPACE": ""}, "namespace", "blue", "the file"),
    ({"FALLBACK_BREAKER": '{"failure_threshold": 9}'}, "breaker.failure_threshold", 9, "FALLBACK_BREAKER"),
    ({"FALLBACK_BREAKER": '{"failure_threshold": 9}'}, "breaker.success_threshold", 3, "the file"),
    (
        {"FALLBACK_BREAKER__FAILURE_THRESHOLD": "8", "FALLBACK_BREAKER": '{"failure_threshold": 9}'},
        "providers.claude.breaker.failure_threshold",
        8,
        "FALLBACK_BREAKER__FAILURE_THRESHOLD",
    ),
    (
        {"FALLBACK_CHAINS__DEFAULT__PROVIDERS": '["openai"]'},
        "chains.default.providers",
        ["openai"],
        "FALLBACK_CHAINS__DEFAULT__PROVIDERS",
    ),
    ({f"{MODEL}NAME": "y", f"{MODEL}CONTEXT": "5"}, "providers.claude.models.fast.name", "y", f"{MODEL}NAME"),
    ({f"{MODEL}NAME": "y", f"{MODEL}CONTEXT": "5"}, "providers.claude.models.fast.context", 5, f"{MODEL}CONTEXT"),
]


@pytest.mark.parametrize(("environ", "path", "value", "origin"), VARIABLES)
def test_a_variable_is_named_where_it_wins(file, environ, path, value, origin):
    expected = (value, file if origin == "the file" else origin or "FALLBACK_REDIS_URL")
    assert shown(FALLBACK_CONFIG=file, **environ)[path] == expected


def test_a_preset_is_named_where_it_set_something():
    found = shown(FALLBACK_PROVIDERS__FAR__PRESET="groq", FALLBACK_PROVIDERS__FAR__BASE_URL="https://groq.example")
    assert found["providers.far.dialect"] == ("openai", "preset groq")
    assert found["providers.far.models.default.name"] == ("openai/gpt-oss-120b", "preset groq")
    assert found["providers.far.base_url"] == ("https://groq.example", "FALLBACK_PROVIDERS__FAR__BASE_URL")
    assert found["providers.far.preset"] == ("groq", "FALLBACK_PROVIDERS__FAR__PRESET")
    assert found["providers.claude.base_url"] == ("https://api.anthropic.com", "preset anthropic")


def test_a_secret_from_a_file_is_named_by_its_variable(tmp_path):
    (tmp_path / "secret").write_text("hidden\n")
    files = dict.fromkeys(("OPENAI_API_KEY_FILE", "REDIS_PASSWORD_FILE"), str(tmp_path / "secret"))
    found = shown(REDIS_URL="redis://h/0", **files)
    assert found["providers.openai.api_key"] == ("set", "OPENAI_API_KEY_FILE")
    assert found["redis_url"] == ("redis://h:6379/0", "REDIS_URL")
    assert found["redis_url.password"] == ("set", "REDIS_PASSWORD_FILE")


def test_a_password_in_the_url_wins_and_is_told_but_not_shown():
    found = shown(REDIS_URL="redis://user:hidden@h:1/0", REDIS_PASSWORD="other", OPENAI_API_KEY="hidden")
    assert found["redis_url.password"] == ("set", "REDIS_URL")
    assert found["redis_url"] == ("redis://h:1/0", "REDIS_URL")
    assert "hidden" not in str(found)
    assert shown()["redis_url.password"] == (None, "default")


def test_entries_hold_no_secret_in_any_form():
    entries = effective({"REDIS_URL": "redis://:hidden@h/0", "OPENAI_API_KEY": "hidden", "REDIS_PASSWORD": "hidden"})
    assert "hidden" not in repr(entries)
