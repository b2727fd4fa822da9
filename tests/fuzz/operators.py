"""Configurations near and far from valid: files of TOML, and variables."""

import json
import tomllib
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st

from config.settings import Settings
from tests.fuzz.drawing import TEXT, mutated

_DEFAULTS: dict[str, Any] = tomllib.loads(files("config").joinpath("defaults.toml").read_text("utf-8"))
_OWN = {
    "preset": "groq",
    "enabled": True,
    "dialect": "openai",
    "base_url": "http://vllm.ml:8000/v1",
    "api_key_env": "OPENAI_API_KEY",
    "headers": {"X-Team": "search", "X-Org": {"env": "OPENAI_API_KEY"}},
    "models": {"default": {"name": "m", "context": 1000, "unsupported": ["tools"]}},
}
_WHOLE: dict[str, Any] = {
    **_DEFAULTS,
    "providers": {**_DEFAULTS["providers"], "own": _OWN},
    "namespace": "blue",
    "redis_url": "redis://:hidden@127.0.0.1:1/0",
    "breaker": {"failure_threshold": 5, "adaptive": {"failures": "on", "latency": "observe"}},
    "health": {"probe_interval": 30.0},
    "results": {"expires": 60.0, "max_request_bytes": 4_000_000},
}
_STEPS = st.sampled_from(
    [
        *Settings.model_fields, "claude", "openai", "default", "high_priority", "high-priority", "models", "fast",
        "name", "retry", "outcomes", "timeout", "same_provider", "base_url",
        "api_key", "api_key_env", "adaptive", "failures",
        "unsupported", "preset", "own", "headers", "x_org", "env", "enabled",
    ]
)  # fmt: skip
_NAMES = _STEPS | TEXT
_WORDS = st.sampled_from(
    [
        "", "1", "-1", "0", "nan", "inf", "1e999", "9" * 5_000, "true", "null", "{}", "[]", "[[[[", '["a"]', "[1, 2]",
        '{"a": {"b": 1}}', '{"claude": 1}', '{"": {"": ""}}', "redis://[", "redis://h:99999", "rediss://h/x", "http://",
        "https://h/" + "p" * 5_000, "http://[::1]:0", "é", "\x00", "\ud800", "a\nb", "[" * 100_000, "/",
        "/nowhere", ".",
    ]
)  # fmt: skip
_PLAIN = st.sampled_from(
    ["REDIS_URL", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY_FILE", "FALLBACK_CONFIG"]
)
_OURS = st.lists(_STEPS | TEXT, min_size=1, max_size=6).map(lambda steps: "FALLBACK_" + "__".join(steps).upper())
VARIABLES = st.dictionaries(_PLAIN | _OURS, _WORDS | TEXT, max_size=4)
TREES = mutated(st.just(_WHOLE), _NAMES)
BYTES = st.one_of(
    TREES.map(lambda tree: toml(tree).encode("utf-8", "surrogatepass")),
    TREES.map(lambda tree: toml(tree).encode("utf-8", "surrogatepass")),
    st.builds(
        lambda tree, at, junk: _cut(toml(tree).encode("utf-8", "replace"), at, junk),
        TREES,
        st.floats(0, 1),
        st.binary(max_size=4),
    ),
    st.binary(max_size=64),
)
"""What stands in a file."""


def toml(value: Any) -> str:
    """Returns a tree as TOML, every table inline below the first level; what TOML has no word for is left out."""
    if not isinstance(value, dict):
        return _inline(value)
    return "\n".join(f"{json.dumps(name)} = {_inline(inner)}" for name, inner in value.items() if inner is not None)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(inner) for inner in value if inner is not None) + "]"
    return json.dumps(value, ensure_ascii=False).replace("NaN", "nan").replace("Infinity", "inf")


def _cut(text: bytes, at: float, junk: bytes) -> bytes:
    place = int(at * len(text))
    return text[:place] + junk + text[place + len(junk) :]
