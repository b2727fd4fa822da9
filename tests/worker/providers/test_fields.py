"""What becomes of each field of a request in each dialect, and what a provider's settings change in it."""

import hashlib
from typing import Any

import pytest

from config.providers import Dialect, Model
from tests.worker.providers.asking import body, request
from tests.worker.providers.request_cases import CLOCK, MARK, WEATHER, text
from worker.providers.dialects import DIALECTS
from worker.request import CompletionRequest

VALUES: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 3,
    "top_k": 40,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "seed": 2**40,
    "user": "ann",
    "safety_identifier": "a1",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "service_tier": "flex",
    "store": True,
    "verbosity": "low",
    "prediction": {"type": "content", "content": "Dear"},
    "reasoning_effort": "low",
    "metadata": {"ours": "only"},
    "timeout": 9.0,
}


def made(dialect: Dialect, name: str, value: Any, **fields: Any) -> dict[str, Any]:
    """Returns what one field adds to the body."""
    without = body(dialect, request(), **fields)
    return {key: each for key, each in body(dialect, request(**{name: value}), **fields).items() if key not in without}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_there_is_a_rule_for_every_field(dialect: Dialect) -> None:
    assert set(DIALECTS[dialect].rules) == set(CompletionRequest.model_fields)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_field_becomes_what_its_rule_says(dialect: Dialect, name: str) -> None:
    found, kind = made(dialect, name, VALUES[name]), DIALECTS[dialect].rules[name].kind
    if kind == "unchanged" and "pass_params" not in DIALECTS[dialect].rules[name].note:
        assert found == {name: VALUES[name]}
    elif kind in ("dropped", "ours"):
        assert found == {}
    else:
        assert name not in found or found[name] != VALUES[name]


@pytest.mark.parametrize("name", ["top_k", "min_p", "repetition_penalty"])
def test_what_openai_refuses_goes_to_those_who_take_it(name: str) -> None:
    model = Model.model_validate({"name": "a-model", "pass_params": [name]})
    asked = request(**{name: VALUES[name]})
    assert name not in body("openai", asked)
    assert body("openai", asked, pass_params=[name])[name] == VALUES[name]
    assert body("openai", asked, model)[name] == VALUES[name]


@pytest.mark.parametrize(("dialect", "longest"), [("openai", 64), ("anthropic", 256)])
def test_an_identifier_that_is_too_long_for_a_vendor_is_sent_as_its_hash(dialect: Dialect, longest: int) -> None:
    fits, too_long = (str(made(dialect, "safety_identifier", "s" * count)) for count in (longest, longest + 1))
    assert "s" * longest in fits
    assert hashlib.sha256(b"s" * (longest + 1)).hexdigest() in too_long
    assert "sss" not in too_long


def test_a_prediction_in_parts_is_sent_without_their_marks() -> None:
    prediction = {"type": "content", "content": [text("Dear") | MARK, text(" Ann")]}
    sent = {"type": "content", "content": [text("Dear"), text(" Ann")]}
    assert made("openai", "prediction", prediction) == {"prediction": sent}


MAPPED: list[tuple[Dialect, str, Any, dict[str, Any]]] = [
    ("llama_cpp", "repetition_penalty", 1.1, {"repeat_penalty": 1.1}),
    ("llama_cpp", "reasoning_effort", "none", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("anthropic", "safety_identifier", "a1", {"metadata": {"user_id": "a1"}}),
    ("anthropic", "service_tier", "auto", {"service_tier": "auto"}),
    ("anthropic", "service_tier", "default", {"service_tier": "standard_only"}),
    ("anthropic", "service_tier", "flex", {}),
    ("anthropic", "reasoning_effort", "minimal", {"output_config": {"effort": "low"}}),
]


@pytest.mark.parametrize(("dialect", "name", "value", "given"), MAPPED)
def test_a_mapped_field_is_sent_in_the_dialects_words(dialect: Dialect, name: str, value: Any, given: Any) -> None:
    assert made(dialect, name, value) == given


@pytest.mark.parametrize("dialect", ["openai", "llama_cpp"])
@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("asked", ["max_tokens", "max_completion_tokens"])
def test_the_limit_has_the_name_that_the_provider_knows(dialect: Dialect, field: str, asked: str) -> None:
    assert made(dialect, asked, 7, limit_field=field) == {field: 7}
    model = Model.model_validate({"name": "a-model", "limit_field": field})
    assert body(dialect, request(**{asked: 7}), model, limit_field="max_tokens")[field] == 7


DROPPED: list[tuple[Dialect, str, dict[str, Any], str]] = [
    ("openai", "stop", {"stop": "END"}, "stop"),
    ("openai", "stream_options", {}, "stream_options"),
    ("openai", "max_tokens", {"max_tokens": 7}, "max_completion_tokens"),
    ("openai", "max_completion_tokens", {"max_tokens": 7}, "max_completion_tokens"),
    ("anthropic", "stop", {"stop": "END"}, "stop_sequences"),
    ("anthropic", "stop_sequences", {"stop": "END"}, "stop_sequences"),
    ("anthropic", "metadata.user_id", {"user": "ann"}, "user_id"),
    (
        "openai",
        "tools.function.strict",
        {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
        "strict",
    ),
    ("llama_cpp", "reasoning_effort", {"reasoning_effort": "low"}, "chat_template_kwargs"),
]


@pytest.mark.parametrize(("dialect", "path", "fields", "gone"), DROPPED)
@pytest.mark.parametrize("of", ["provider", "model"])
def test_any_field_is_left_out_by_its_name(
    dialect: Dialect, path: str, fields: dict[str, Any], gone: str, of: str
) -> None:
    assert f"'{gone}'" in str(body(dialect, request(**fields)))
    model = Model.model_validate({"name": "a-model", "drop_params": [path] if of == "model" else []})
    drop = [path] if of == "provider" else []
    assert f"'{gone}'" not in str(body(dialect, request(**fields), model, drop_params=drop))


def test_a_field_of_every_message_is_left_out_by_its_path() -> None:
    asked = CompletionRequest.model_validate({"messages": [{"role": "user", "content": "Hi", "name": "ann"}] * 2})
    assert body("openai", asked, drop_params=["messages.name"])["messages"] == [{"role": "user", "content": "Hi"}] * 2


def test_one_tool_at_a_time_keeps_the_choice() -> None:
    fields = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "parallel_tool_calls": False}
    assert body("anthropic", request(**fields))["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
