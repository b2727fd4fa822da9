import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import ConfigurationError, Settings, load

SECTIONS = (
    "namespace, redis_url, max_crashes, unknown_model, breaker, bulkheads, providers, models, chains, tenants, health, "
    "results, alerts"
)
SENTINEL = "redis_url: must be sentinel://[user:password@]host[:port],...[/database][?master=name]"
PORT = "redis_url: has no valid host and port; a password's special characters are written as %XX"
BASE_URL = "must be http:// or https://, a host and at most a path, without user, password or query"
NAME = r"String should match pattern '^[A-Za-z0-9_-]+$'"
WRITTEN_KEY = "providers.claude.api_key: put its variable's name in api_key_env, never the key"
KEY_FILE = "providers.claude.api_key_env: ANTHROPIC_API_KEY_FILE"
BROKER = "cannot be the broker: the shared state, the visibility heartbeat and the results need Redis"

TEXTS = [
    (
        "chains.default.retry.max_retries = 99",
        "chains.default.retry.max_retries: Input should be less than or equal to 20",
    ),
    ("chains.default.retry.initial_backoff = 90", "chains.default.retry: initial_backoff is longer than max_backoff"),
    ("models.gpt-4o = 'quick'", "models.gpt-4o: no tier 'quick'; there are default, fast"),
    ("unknown_model = 'ask'", "unknown_model: Input should be 'refuse' or 'default'"),
    (
        "providers.claude.drop_params = ['messages']",
        "providers.claude.drop_params.0: a request is nothing without messages",
    ),
    (
        "providers.claude.pass_params = ['top_q']",
        "providers.claude.pass_params.0: Input should be 'top_k', 'min_p' or 'repetition_penalty'",
    ),
    ("chains.x.timeout = 1", "chains.x.providers: missing"),
    ("chains.x.providers = []", "chains.x.providers: Tuple should have at least 1 item after validation, not 0"),
    ("chains.x.providers = ['claude', 'claude']", "chains.x.providers: a provider is listed twice"),
    (
        "chains.x.providers = ['claude', 'cloud']",
        "chains.x.providers.1: no provider 'cloud'; there are claude, llama_cpp, openai",
    ),
    ("chains.x.providers = [['claude', 'openai'], 'claude']", "chains.x.providers: a provider is listed twice"),
    (
        "chains.x.providers = ['openai', ['claude', 'cloud']]",
        "chains.x.providers.1.1: no provider 'cloud'; there are claude, llama_cpp, openai",
    ),
    ("chains.default.order = 'best'", "chains.default.order: Input should be 'listed' or 'scored'"),
    ("chains.default.second_usd = -1", "chains.default.second_usd: Input should be greater than or equal to 0"),
    ("chains.default.listed = ['claude']", "chains.default.listed: unknown key"),
    ("chains.default.name = 'x'", "chains.default.name: unknown key"),
    ("chains.default.priority = 5", "chains.default.priority: Input should be 3, 6 or 9"),
    ("chains.'a b'.providers = ['claude']", f"chains.a b: {NAME}\nchains.a b.name: {NAME}"),
    (
        "chains.default.outcomes.refussed.next_provider = 'at-once'",
        "chains.default.outcomes.refussed: Input should be 'success', 'transient', 'timeout', 'share-spent', "
        "'overloaded', 'rate-limited', 'quota-exhausted', 'authentication', 'misconfigured', 'too-large', 'refused', "
        "'invalid', 'empty', 'nonconforming' or 'cut-short'",
    ),
    (
        "chains.default.outcomes.success.next_provider = 'at-once'",
        "chains.default.outcomes.success: nothing follows from it that a chain could change",
    ),
    (
        "chains.default.outcomes.refused.next_provider = 'sometimes'",
        "chains.default.outcomes.refused.next_provider: Input should be 'after-retries', 'at-once', 'larger-window', "
        "'once-per-host-and-model' or 'never'",
    ),
    ("chains.default.outcomes.refused.breaker = 'failure'", "chains.default.outcomes.refused.breaker: unknown key"),
    (
        "chains.default.outcomes.quota-exhausted = { same_provider = 'once', next_provider = 'after-retries' }",
        "chains.default.outcomes: quota-exhausted.same_provider: would never happen, "
        "as the breaker shuts the provider out",
    ),
    ("chains = 3", "chains: Input should be a valid dictionary"),
    ("providers = 3", "providers: Input should be a valid dictionary"),
    ("providers.claude.name = 'x'", "providers.claude.name: unknown key"),
    ("providers.claude.idle_timout = 1", "providers.claude.idle_timout: unknown key"),
    ("providers.claude.idle_timeout = -1", "providers.claude.idle_timeout: Input should be greater than 0"),
    ("providers.claude.idle_timeout = nan", "providers.claude.idle_timeout: Input should be a finite number"),
    (
        "providers.claude.errors = { 'gone fishing' = 'lazy' }",
        "providers.claude.errors.gone fishing: Input should be 'success', 'transient', 'timeout', 'share-spent', "
        "'overloaded', 'rate-limited', 'quota-exhausted', 'authentication', 'misconfigured', 'too-large', 'refused', "
        "'invalid', 'empty', 'nonconforming' or 'cut-short'",
    ),
    (
        "providers.claude.errors = { 'gone fishing' = 'success' }",
        "providers.claude.errors.gone fishing: nothing follows from it that a chain could change",
    ),
    (
        "providers.claude.errors = { x = 'quota-exhausted' }",
        "providers.claude.errors.x: String should have at least 3 characters",
    ),
    (
        "providers.claude.stream = 'maybe'",
        "providers.claude.stream: Input should be a valid boolean, unable to interpret input",
    ),
    (
        "providers.claude.breaker = 3",
        "providers.claude.breaker: Input should be a valid dictionary or instance of Breaker",
    ),
    (
        "providers.claude.models.default = { name = 'x', unsupported = ['sound'] }",
        "providers.claude.models.default.unsupported.0: "
        "Input should be 'tools', 'images', 'files', 'audio', 'schema', 'json' or 'prefill'",
    ),
    (
        "providers.claude.models.default = { name = 'x', max_output = 0 }",
        "providers.claude.models.default.max_output: Input should be greater than 0",
    ),
    ("providers.claude.models.default.context = 5", "providers.claude.models.default.name: missing"),
    (
        "providers.claude.api_key = 'sk-secret'",
        WRITTEN_KEY,
    ),
    ("providers.claude.base_url = 'ftp://h'", f"providers.claude.base_url: {BASE_URL}"),
    ("providers.claude.base_url = 'http://u:secret@h'", f"providers.claude.base_url: {BASE_URL}"),
    ("providers.claude.base_url = 'http://h:secret'", f"providers.claude.base_url: {BASE_URL}"),
    (
        "providers.x = { dialect = 'gopher', models.fast.name = 'x' }",
        "providers.x.dialect: Input should be 'anthropic', 'openai' or 'llama_cpp'\n"
        "providers.x.models: the tier 'default' is missing",
    ),
    ("breaker.failure_threshold = 0", "breaker.failure_threshold: Input should be greater than or equal to 1"),
    ("breaker.adaptive.failures = 'yes'", "breaker.adaptive.failures: Input should be 'off', 'observe' or 'on'"),
    ("namespace = 'a:b'", f"namespace: {NAME}"),
    ("nmespace = 'a'", "nmespace: unknown key"),
    ("results.max_request_bytes = 1", "results.max_request_bytes: Input should be greater than or equal to 1000"),
]


@pytest.mark.parametrize(("text", "line"), TEXTS)
def test_a_mistake_in_the_file_is_one_line_with_its_path(load_toml, text, line):
    with pytest.raises(ConfigurationError) as refused:
        load_toml(text)
    assert str(refused.value) == line


VARIABLES = [
    ("FALLBACK_CONFIG", "/nowhere/f.toml", "FALLBACK_CONFIG: /nowhere/f.toml: No such file or directory"),
    ("FALLBACK_CONFIG", "/", "FALLBACK_CONFIG: /: Is a directory"),
    ("FALLBACK_BREAKR__X", "1", f"FALLBACK_BREAKR__X: unknown section; there are {SECTIONS}"),
    ("FALLBACK_BREAKER__X", "1", "breaker.x: unknown key"),
    (
        "FALLBACK_CHAINS__DEFAULT__PROVIDERS",
        "a,b",
        "FALLBACK_CHAINS__DEFAULT__PROVIDERS: is not JSON, as a list or a table must be",
    ),
    ("FALLBACK_BREAKER__COOLDOWN_PERIOD", "0", "breaker.cooldown_period: Input should be greater than 0"),
    ("FALLBACK_PROVIDERS__CLAUDE__API_KEY", "sk-secret", WRITTEN_KEY),
    (
        "ANTHROPIC_API_KEY",
        "sk secret",
        "providers.claude.api_key: the key has a blank or a character that no HTTP header can carry",
    ),
    ("ANTHROPIC_API_KEY_FILE", "/nowhere/secret", f"{KEY_FILE}: No such file or directory"),
    ("ANTHROPIC_API_KEY_FILE", "secret" * 1000, f"{KEY_FILE}: File name too long"),
    ("REDIS_URL", "amqp://u:secret@h", f"redis_url: amqp:// {BROKER}"),
    ("REDIS_URL", "sqs://secret@", f"redis_url: sqs:// {BROKER}"),
    ("REDIS_URL", "memory://", f"redis_url: memory:// {BROKER}"),
    ("REDIS_URL", "secret", "redis_url: must begin with redis://, rediss:// or sentinel://"),
    ("REDIS_URL", "redis://:secret/x@h:1/0", PORT),
    ("REDIS_URL", "sentinel://:secret@a:b", SENTINEL),
    ("REDIS_URL", "sentinel://:secret@", SENTINEL),
    ("REDIS_URL", "sentinel://:secret@a,,b", SENTINEL),
    ("REDIS_URL", "sentinel://:secret@a/zero", SENTINEL),
    ("REDIS_URL", "sentinel://:secret@a?name=b", SENTINEL),
    ("REDIS_URL", "sentinel://:secret@a;sentinel://b", SENTINEL),
    ("REDIS_PASSWORD_FILE", "/nowhere/secret", "redis_url: REDIS_PASSWORD_FILE: No such file or directory"),
]


@pytest.mark.parametrize(("name", "text", "line"), VARIABLES)
def test_a_mistake_in_the_environment_is_one_line_without_its_value(name, text, line):
    with pytest.raises(ConfigurationError) as refused:
        load({name: text})
    assert str(refused.value) == line
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a = ", "Invalid value (at end of document)"),
        (b'a = "\xff"', "is not UTF-8 text"),
        (b"a = 1\na = 2", "Cannot overwrite"),
    ],
)
def test_a_file_that_is_no_toml_is_one_line_with_its_place(tmp_path, content, reason):
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load({"FALLBACK_CONFIG": str(path)})
    assert str(refused.value).startswith(f"FALLBACK_CONFIG: {path}: {reason}")
    assert "\n" not in str(refused.value)


def test_a_wrong_field_of_the_common_breaker_is_told_once_and_beside_other_errors(load_toml):
    with pytest.raises(ConfigurationError) as refused:
        load_toml("breaker.cooldown_period = 0\nhealth.probe_interval = 0")
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        "breaker.cooldown_period",
        "health.probe_interval",
    ]


STEPS = st.sampled_from(
    ["providers", "chains", "breaker", "models", "claude", "default", "high_priority", "retry", "name", "base_url"]
)
TEXT = st.sampled_from(
    ["1", "-1", "nan", "true", "{}", "[]", '["a"]', '{"a": {"b": 1}}', '{"claude": 1}', "redis://[", "\x00"]
)


@given(st.dictionaries(st.lists(STEPS, min_size=1, max_size=5).map("__".join), TEXT, max_size=4))
def test_any_environment_is_settings_or_a_configuration_error(variables):
    environ = {f"FALLBACK_{name.upper()}": text for name, text in variables.items()}
    with contextlib.suppress(ConfigurationError):
        assert isinstance(load(environ), Settings)
