"""Whatever stands in the file: a configuration comes out that loads, or one line says what is wrong."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import load
from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.document import toml
from tasks.cli.litellm.source import SourceError, read
from tests.fuzz.drawing import CASES

GROUPS = st.sampled_from(["a", "b", "gpt-3.5-turbo", "default", "high-priority", "claude", "*", "é/ü", "x" * 80])
NUMBERS = st.sampled_from([0, 1, 2, 3.5, 0.001, -1, 25, 120, 700, 10**400, float("inf"), "7", "os.environ/N"])
JUNK = st.sampled_from([None, True, [], {}, ["a"], {"a": 1}, "", "sk-hidden", "os.environ/", "\x00", 5])
MODELS = st.sampled_from(
    [
        "gpt-4o",
        "openai/x",
        "azure/x",
        "anthropic/y",
        "ollama/z",
        "bedrock/q",
        "groq/*",
        "openai/*",
        "fireworks_ai/a",
        "/",
        "openai/",
    ]
)
BASES = st.sampled_from(
    [
        "https://h.example.com/v1",
        "http://h.example.com",
        "http://[",
        "https://r.openai.azure.com/",
        "os.environ/B",
        "ftp://x",
    ]
)


def mixed(strategy, junk=JUNK):
    """Mostly what belongs there."""
    return st.one_of(strategy, strategy, strategy, junk)


NO_NAMES = st.sampled_from([None, True, [], {}, ["a"], {"a": 1}, "", "os.environ/", "\x00", 5])


PARAMS = st.fixed_dictionaries(
    {"model": mixed(MODELS, NO_NAMES)},
    optional={
        "api_base": mixed(BASES),
        "api_key": st.sampled_from(["sk-hidden", "sk-hidden-2", "os.environ/KEY", "os.environ/no name"]),
        "custom_llm_provider": st.sampled_from(["openai", "odd"]),
        "extra_headers": st.dictionaries(
            st.sampled_from(["X-Auth", "x-auth", "Authorization", "Host", "a b", "", "é"]), JUNK, max_size=3
        ),
        "organization": st.sampled_from(["ours", " ", "é", None, [], "os.environ/ORG"]),
        "litellm_credential_name": st.just("c"),
        "additional_drop_params": mixed(st.lists(st.sampled_from(["temperature", "seed", "odd"]))),
        **{
            key: mixed(NUMBERS)
            for key in ("timeout", "stream_timeout", "order", "weight", "num_retries", "cooldown_time", "rpm")
        },
    },
)
INFO = st.fixed_dictionaries(
    {},
    optional={
        "mode": mixed(st.just("chat")),
        "supports_vision": st.booleans(),
        **{key: mixed(NUMBERS) for key in ("input_cost_per_token", "max_input_tokens", "allowed_fails")},
    },
)
ENTRY = st.fixed_dictionaries(
    {"model_name": mixed(GROUPS, NO_NAMES), "litellm_params": mixed(PARAMS)}, optional={"model_info": mixed(INFO)}
)
FALLBACKS = mixed(st.lists(mixed(st.dictionaries(GROUPS, mixed(st.lists(mixed(GROUPS)))))))
POLICY = st.dictionaries(
    st.sampled_from(["TimeoutErrorRetries", "RateLimitErrorRetries", "AuthenticationErrorRetries", "DefaultRetries"]),
    mixed(NUMBERS),
)
ROUTING = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"), FALLBACKS),
        **{key: mixed(NUMBERS) for key in ("num_retries", "retry_after", "timeout", "allowed_fails", "cooldown_time")},
        "default_fallbacks": mixed(st.lists(mixed(GROUPS))),
        "model_group_alias": mixed(st.dictionaries(GROUPS, mixed(GROUPS))),
        "retry_policy": mixed(POLICY),
        "model_group_retry_policy": mixed(st.dictionaries(GROUPS, POLICY)),
    },
)
CONFIG = st.fixed_dictionaries(
    {"model_list": mixed(st.lists(mixed(ENTRY), max_size=5))},
    optional={
        "router_settings": mixed(ROUTING),
        "litellm_settings": mixed(ROUTING),
        "general_settings": JUNK,
        "credential_list": mixed(st.just([{"credential_name": "c", "credential_values": {"api_key": "sk-hidden"}}])),
        "environment_variables": mixed(st.just({"OPENAI_API_KEY": "sk-hidden"})),
    },
)


@settings(max_examples=CASES, deadline=None)
@given(CONFIG)
def test_a_configuration_comes_out_or_a_line(config):
    with TemporaryDirectory() as folder:
        source, ours = Path(folder, "config.yaml"), Path(folder, "fallback.toml")
        source.write_text(yaml.safe_dump(config), "utf-8")
        try:
            conversion = convert(read(source))
        except SourceError as exc:
            said = str(exc)
        else:
            said = toml(conversion, source)
            ours.write_text(said, "utf-8")
            assert load({"FALLBACK_CONFIG": str(ours)}).providers
        assert "hidden" not in said
