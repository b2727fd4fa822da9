import pytest
from pydantic import SecretStr, ValidationError

from config.breaker import Adaptive, Breaker
from config.chains import Retry
from config.outcomes import Override
from config.providers import Model
from config.settings import load

MISTRAL = """
[providers.mistral]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1/"
api_key_env = "MISTRAL_API_KEY"
models.default = { name = "large" }
models.Fast-1 = { name = "small" }
[chains.mine]
providers = ["mistral", "claude"]
"""


def value(settings, path):
    for step in path.split("."):
        settings = settings[step] if isinstance(settings, dict) else getattr(settings, step)
    return settings


DEFAULTS = {
    "chains.default.providers": ("claude", "llama_cpp", "openai"),
    "chains.high-priority.providers": ("claude", "openai", "llama_cpp"),
    "chains.low-cost.providers": ("llama_cpp", "openai", "claude"),
    "chains.local-first.providers": ("llama_cpp", "claude", "openai"),
    "chains.high-priority.retry": Retry(max_retries=2, initial_backoff=0.5),
    "chains.default.retry": Retry(
        max_retries=3, initial_backoff=1.0, max_backoff=60.0, multiplier=2.0, max_retry_after=5.0
    ),
    "chains.local-first.retry.max_retries": 2,
    "chains.high-priority.priority": 3,
    "chains.local-first.priority": 6,
    "chains.low-cost.priority": 9,
    "chains.high-priority.timeout": 120.0,
    "providers.llama_cpp.missing": "no base URL",
    "providers.openai.missing": "no API key",
    "providers.openai.breaker": Breaker(failure_threshold=5, success_threshold=2, cooldown_period=60.0),
    "providers.claude.models.default.unsupported": {"prefill"},
    "providers.llama_cpp.models.default.unsupported": {"images", "audio"},
    "providers.openai.models.fast.max_output": 128_000,
    "results.max_request_bytes": 4_000_000,
}


@pytest.mark.parametrize(("path", "expected"), DEFAULTS.items(), ids=DEFAULTS)
def test_without_file_and_environment_the_defaults_hold(path, expected):
    assert value(load({}), path) == expected


VARIABLES = [
    ("REDIS_URL", "rediss://:p%2Fw@h:1/2", "redis_url", "rediss://:p%2Fw@h:1/2"),
    ("REDIS_URL", "", "redis_url", "redis://127.0.0.1:6379/0"),
    (
        "ANTHROPIC_BASE_URL",
        "http://localhost:1/anthropic/",
        "providers.claude.base_url",
        "http://localhost:1/anthropic",
    ),
    ("ANTHROPIC_API_KEY", "sk-1", "providers.claude.missing", None),
    ("ANTHROPIC_API_KEY", " sk-1\n", "providers.claude.api_key", SecretStr("sk-1")),
    ("LLAMA_CPP_BASE_URL", "http://[::1]:8080", "providers.llama_cpp.missing", None),
    ("FALLBACK_NAMESPACE", "blue", "namespace", "blue"),
    ("FALLBACK_BREAKER__COOLDOWN_PERIOD", "5", "providers.claude.breaker.cooldown_period", 5.0),
    ("FALLBACK_BREAKER__COOLDOWN_PERIOD", "", "breaker.cooldown_period", 60.0),
    ("FALLBACK_BREAKER__ADAPTIVE__LATENCY", "on", "breaker.adaptive", Adaptive(failures="on", latency="on")),
    ("FALLBACK_BREAKER", '{"failure_threshold": 9}', "breaker.failure_threshold", 9),
    ("FALLBACK_CHAINS__DEFAULT__PROVIDERS", '["openai"]', "chains.default.providers", ("openai",)),
    (
        "FALLBACK_CHAINS__DEFAULT__PROVIDERS",
        '["openai", ["claude", "llama_cpp"]]',
        "chains.default.groups",
        (("claude", "llama_cpp"),),
    ),
    ("FALLBACK_CHAINS__LOW_COST__ORDER", "scored", "chains.low-cost.groups", (("llama_cpp", "openai", "claude"),)),
    ("FALLBACK_CHAINS__DEFAULT__FAILOVER", "at-once", "chains.default.failover", "at-once"),
    ("FALLBACK_CHAINS__HIGH_PRIORITY__PRIORITY", "9", "chains.high-priority.priority", 9),
    ("FALLBACK_CHAINS__high-priority__RETRY__MAX_RETRIES", "0", "chains.high-priority.retry.max_retries", 0),
    (
        "FALLBACK_CHAINS__HIGH_PRIORITY__OUTCOMES__RATE_LIMITED__SAME_PROVIDER",
        "never",
        "chains.high-priority.outcomes",
        {"rate-limited": Override(same_provider="never")},
    ),
    ("FALLBACK_PROVIDERS__LLAMA_CPP__STREAM", "true", "providers.llama_cpp.stream", True),
    ("FALLBACK_PROVIDERS__MISTRAL__MODELS__FAST_1__NAME", "x", "providers.mistral.models.Fast-1", Model(name="x")),
    (
        "FALLBACK_PROVIDERS__MISTRAL__MODELS__DEFAULT",
        '{"name": "y", "unsupported": ["tools"]}',
        "providers.mistral.models.default.unsupported",
        {"tools"},
    ),
    ("FALLBACK_PORT", "tcp://10.0.0.1:6379", "namespace", "fallback"),  # a Kubernetes service named "fallback"
]


@pytest.mark.parametrize(("name", "text", "path", "expected"), VARIABLES)
def test_a_variable_sets_its_field(load_toml, name, text, path, expected):
    assert value(load_toml(MISTRAL, **{name: text}), path) == expected


TEXTS = [
    (MISTRAL, "chains.mine.providers", ("mistral", "claude")),
    (MISTRAL, "providers.mistral.base_url", "http://127.0.0.1:1/v1"),
    (MISTRAL, "providers.mistral.missing", "no API key"),
    ("[providers.claude]\nidle_timeout = 10", "providers.claude.idle_timeout", 10.0),
    ("[providers.claude]\nidle_timeout = 10", "providers.claude.dialect", "anthropic"),
    ('[providers.claude]\napi_key_env = ""', "providers.claude.missing", None),
    ('providers.claude.models.default = { name = "x" }', "providers.claude.models.default", Model(name="x")),
    ('providers.claude.models.default = { name = "x" }', "providers.claude.models.fast.name", "claude-haiku-5-5"),
    ("chains.default.retry.max_retries = 7", "chains.default.retry", Retry(max_retries=7)),
    (
        "chains.default.outcomes.timeout.same_provider = 'never'",
        "chains.default.outcomes",
        {"timeout": Override(same_provider="never")},
    ),
    (
        "breaker = { failure_threshold = 9, adaptive.failures = 'off' }\n"
        "providers.claude.breaker = { cooldown_period = 1.0, adaptive.latency = 'on' }",
        "providers.claude.breaker",
        Breaker(failure_threshold=9, cooldown_period=1.0, adaptive=Adaptive(failures="off", latency="on")),
    ),
]


@pytest.mark.parametrize(("text", "path", "expected"), TEXTS)
def test_a_file_changes_only_what_it_names(load_toml, text, path, expected):
    assert value(load_toml(text), path) == expected


def test_the_environment_wins_over_the_file_and_the_longer_name_over_the_shorter(load_toml):
    text = "redis_url = 'redis://file'\nproviders.claude.base_url = 'http://file'"
    assert load_toml(text).redis_url == "redis://file"
    both = {"REDIS_URL": "redis://short", "ANTHROPIC_BASE_URL": "http://short"}
    short = load_toml(text, **both)
    assert (short.redis_url, short.providers["claude"].base_url) == ("redis://short", "http://short")
    longer = {"FALLBACK_REDIS_URL": "redis://long", "FALLBACK_PROVIDERS__CLAUDE__BASE_URL": "http://long"}
    long = load_toml(text, **both, **longer)
    assert (long.redis_url, long.providers["claude"].base_url) == ("redis://long", "http://long")


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path):
    (tmp_path / "key").write_text("sk-file\r\n", "utf-8-sig")
    found = load({"OPENAI_API_KEY_FILE": str(tmp_path / "key")}).providers["openai"].api_key
    assert found.get_secret_value() == "sk-file"


def test_a_key_is_read_from_the_file_that_its_variable_names(tmp_path):
    (tmp_path / "key").write_text("sk-file\n")
    from_file = {"OPENAI_API_KEY_FILE": str(tmp_path / "key")}
    assert load(from_file).providers["openai"].api_key == SecretStr("sk-file")
    assert load({**from_file, "OPENAI_API_KEY": "sk-1"}).providers["openai"].api_key == SecretStr("sk-1")


def test_two_variables_of_one_model_stand_together():
    prefix = "FALLBACK_PROVIDERS__CLAUDE__MODELS__FAST__"
    settings = load({f"{prefix}NAME": "x", f"{prefix}CONTEXT": "5"})
    assert settings.providers["claude"].models["fast"] == Model(name="x", context=5)


def test_settings_are_frozen_and_show_no_secret():
    settings = load({"REDIS_URL": "redis://:hidden@h/0", "OPENAI_API_KEY": "hidden"})
    assert "hidden" not in f"{settings!r} {settings}"
    with pytest.raises(ValidationError):
        settings.namespace = "other"
