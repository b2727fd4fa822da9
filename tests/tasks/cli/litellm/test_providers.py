"""What a deployment becomes."""

import pytest

from config.breaker import Breaker
from config.presets import PRESETS
from config.providers import Model


def entry(params, more=""):
    return f"model_list: [{{model_name: ours, litellm_params: {{{params}}}{more}}}]"


def only(imported):
    [name] = imported.tables["providers"]
    return imported.settings.providers[name]


VENDORS = [
    ("model: gpt-4o", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o"),
    ("model: openai/gpt-4o", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o"),
    ("model: o3-mini", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "o3-mini"),
    ("model: gpt-4o, custom_llm_provider: openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o"),
    ("model: claude-haiku-4-5", "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", "claude-haiku-4-5"),
    (
        "model: anthropic/claude-haiku-4-5, api_base: 'https://proxy.internal/v1/messages'",
        "anthropic",
        "https://proxy.internal",
        "ANTHROPIC_API_KEY",
        "claude-haiku-4-5",
    ),
    (
        "model: azure/o_series/reasoner, api_base: 'https://r.openai.azure.com/openai/deployments/reasoner'",
        "openai",
        "https://r.openai.azure.com/openai/v1",
        "AZURE_API_KEY",
        "reasoner",
    ),
    (
        "model: gemini/gemini-3-flash",
        "openai",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "gemini-3-flash",
    ),
    (
        "model: openrouter/meta-llama/llama-4, api_key: os.environ/ROUTER",
        "openai",
        "https://openrouter.ai/api/v1",
        "ROUTER",
        "meta-llama/llama-4",
    ),
    (
        "model: fireworks_ai/qwen3",
        "openai",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        "accounts/fireworks/models/qwen3",
    ),
    ("model: ollama_chat/llama3", "openai", "http://localhost:11434/v1", "OLLAMA_API_KEY", "llama3"),
    ("model: ollama/llama3, api_base: 'http://gpu:11434'", "openai", "http://gpu:11434/v1", "OLLAMA_API_KEY", "llama3"),
    (
        "model: hosted_vllm/q/qwen3, api_base: 'http://10.0.0.7:8000/v1/'",
        "openai",
        "http://10.0.0.7:8000/v1",
        "HOSTED_VLLM_API_KEY",
        "q/qwen3",
    ),
]


def test_a_vendor_has_the_quirks_of_its_preset_and_no_other_model(imported):
    provider = only(imported(entry("model: mistral/mistral-large-latest")))
    assert (provider.limit_field, "stream_options" in provider.drop_params) == ("max_tokens", True)
    assert {model.name for model in provider.models.values()} == {"mistral-large-latest"}


def test_a_table_names_its_preset_and_what_differs_from_it(imported):
    same = imported(entry("model: groq/llama, api_key: os.environ/GROQ_API_KEY, timeout: 9"))
    model = {"name": "llama"}
    expected = {"preset": "groq", "attempt_timeout": 9.0, "models": {"default": model, "fast": model}}
    assert same.tables["providers"]["groq-llama"] == expected
    other = imported(entry("model: azure/x, api_base: 'https://r.openai.azure.com', api_key: os.environ/KEY"))
    table = {"preset": "azure", "base_url": "https://r.openai.azure.com/openai/v1", "api_key_env": "KEY"}
    assert other.tables["providers"]["azure-x"] == {**table, "models": {"default": {"name": "x"}}}


def test_a_server_of_openais_dialect_has_not_the_preset_of_openai(imported):
    found = imported(entry("model: openai/x, api_base: 'http://10.0.0.7:8000/v1'"))
    table = {"dialect": "openai", "base_url": "http://10.0.0.7:8000/v1", "api_key_env": "OPENAI_API_KEY"}
    assert found.tables["providers"]["openai-x"] == {**table, "models": {"default": {"name": "x"}}}
    at_home = imported(entry("model: openai/x, api_base: 'https://api.openai.com/v1/'"))
    assert at_home.tables["providers"]["openai-x"]["preset"] == "openai"


def test_a_model_that_its_preset_knows_keeps_what_is_known_of_it(imported):
    fast = PRESETS["openai"]["models"]["fast"]
    params = f"model: openai/{fast['name']}, additional_drop_params: [seed]"
    provider = only(imported(entry(params, ", model_info: {max_input_tokens: 5}")))
    assert provider.models["default"] == provider.models["fast"]
    known = Model.model_validate(fast)
    expected = {"context": 5, "drop_params": known.drop_params | {"seed"}}
    assert provider.models["default"] == known.model_copy(update=expected)


@pytest.mark.parametrize(("params", "dialect", "base_url", "variable", "model"), VENDORS)
def test_a_prefix_gives_dialect_address_and_variable(imported, params, dialect, base_url, variable, model):
    provider = only(imported(entry(params)))
    assert (provider.dialect, provider.base_url, provider.api_key_env) == (dialect, base_url, variable)
    assert {*provider.models.values()} == {Model(name=model)}


def test_an_address_in_a_variable_is_read_from_it(imported):
    text = entry("model: openai/x, api_base: os.environ/GATEWAY")
    assert only(imported(text)).missing == "no base URL"
    assert only(imported(text, GATEWAY="http://gateway:1/v1")).base_url == "http://gateway:1/v1"


def test_an_address_of_another_api_in_a_variable_gets_a_variable_of_its_own(imported):
    found = imported(entry("model: azure/x, api_base: os.environ/AZURE_BASE"), AZURE_BASE="https://r.openai.azure.com")
    assert only(found).base_url == ""
    assert found.conversion.variables["AZURE_BASE_V1"] == ("base URL, with /openai/v1 at its end: azure-x")


def test_http_to_a_public_host_stays_allowed_and_is_told(imported):
    found = imported(entry("model: openai/x, api_base: 'http://llm.example.com/v1'"))
    assert only(found).allow_http
    assert "shows everybody" in found.differing["model_list.0.litellm_params.api_base"]


SKIPPED = [
    ("model: bedrock/us.anthropic.claude-haiku-4-5", "", "no dialect here for bedrock/"),
    ("model: vertex_ai/gemini-2.5-pro", "", "no dialect here for vertex_ai/"),
    ("model: unheard-of", "", "LiteLLM needs a prefix for this name"),
    ("model: 'openai/*'", "", "a wildcard for a part of a vendor's models"),
    ("model: os.environ/MODEL", "", "the model's name is in a variable"),
    ("model: azure/", "", "names no model"),
    ("api_key: x", "", "needs a model_name and a litellm_params.model"),
    ("model: mistral/mistral-embed", "", "answers no chat completions, by its name"),
    ("model: openai/x", ", model_info: {mode: embedding}", "answers no chat completions, by its mode"),
    (
        "model: openai/x, api_base: 'https://u:p@host'",
        "",
        "api_base: must be http:// or https://, a host and at most a path",
    ),
    ("model: azure/x, api_base: 'https://gateway.example.com'", "", "api_base: the path of its OpenAI-compatible API"),
]


@pytest.mark.parametrize(("params", "more", "why"), SKIPPED)
def test_what_cannot_be_converted_is_told_as_a_whole(imported, params, more, why):
    good = "{model_name: good, litellm_params: {model: gpt-4o}}"
    found = imported(entry(params, more).removesuffix("]") + f", {good}]")
    assert found.unmatched["model_list.0"].startswith(why)
    assert list(found.tables["providers"]) == ["openai-gpt-4o"]


def test_timeouts_prices_windows_and_abilities_are_the_models(imported):
    params = (
        "model: openai/x, timeout: 300, stream_timeout: 60, input_cost_per_token: 0.00000015,"
        " additional_drop_params: [temperature]"
    )
    info = (
        ", model_info: {output_cost_per_token: 6.0e-07, max_input_tokens: 128000, max_output_tokens: 16384,"
        " supports_vision: false, supports_function_calling: true, supports_reasoning: true}"
    )
    found = imported(entry(params, info))
    provider = only(found)
    assert (provider.attempt_timeout, provider.first_token_timeout, provider.idle_timeout) == (300, 60, 60)
    assert provider.models["default"] == Model(
        name="x",
        input_usd=0.15,
        output_usd=0.6,
        context=128_000,
        max_output=16_384,
        unsupported=frozenset({"images"}),
        drop_params=frozenset({"temperature"}),
        reasons=True,
    )
    assert found.unmatched == {}


def test_the_timeouts_of_all_hold_where_a_deployment_has_none(imported):
    text = (
        "router_settings: {timeout: 30, stream_timeout: 10}\nlitellm_settings: {request_timeout: 600}\n"
        "model_list:\n- {model_name: a, litellm_params: {model: gpt-4o}}\n"
        "- {model_name: b, litellm_params: {model: gpt-5, timeout: 90}}\n"
    )
    found = imported(text)
    limits = {name: found.settings.providers[name] for name in ("openai-gpt-4o", "openai-gpt-5")}
    assert [each.attempt_timeout for each in limits.values()] == [30, 90]
    assert [each.first_token_timeout for each in limits.values()] == [10, 10]
    assert found.unmatched == {"litellm_settings.request_timeout": "router_settings.timeout wins"}


def test_allowed_fails_and_cooldown_time_are_the_breakers(imported):
    text = (
        "router_settings: {allowed_fails: 3, cooldown_time: 30}\nmodel_list:\n"
        "- {model_name: a, litellm_params: {model: gpt-4o}}\n"
        "- {model_name: b, litellm_params: {model: gpt-5, cooldown_time: 5}, model_info: {allowed_fails: 0}}\n"
    )
    found = imported(text)
    assert found.settings.providers["openai-gpt-4o"].breaker == Breaker(failure_threshold=4, cooldown_period=30)
    assert found.settings.providers["openai-gpt-5"].breaker == Breaker(failure_threshold=1, cooldown_period=5)


def test_deployments_that_are_alike_are_one_provider(imported):
    same = "litellm_params: {model: gpt-4o, api_key: os.environ/KEY}"
    found = imported(f"model_list: [{{model_name: a, {same}}}, {{model_name: b, {same}}}, {{model_name: a, {same}}}]")
    assert list(found.tables["providers"]) == ["openai-gpt-4o"]
    assert found.differing == {"model_list.2": "is one provider with another deployment of its group"}


def test_numbers_that_are_no_numbers_are_told(imported):
    found = imported(entry("model: gpt-4o, timeout: os.environ/T, stream_timeout: -1, order: first"))
    assert found.unmatched == {
        "model_list.0.litellm_params.timeout": "is read from a variable; write the number",
        "model_list.0.litellm_params.stream_timeout": "is no number from 0.001 to 86400",
        "model_list.0.litellm_params.order": "is no number from 0 to 1e+09",
    }


def test_a_credential_of_the_list_gives_key_and_address(imported):
    text = (
        "credential_list:\n- credential_name: shared\n  credential_values: {api_key: os.environ/SHARED,"
        " api_base: 'https://llm.internal/v1', api_version: 1}\n"
        + entry("model: openai/x, litellm_credential_name: shared")
    )
    found = imported(text)
    assert (only(found).base_url, only(found).api_key_env) == ("https://llm.internal/v1", "SHARED")
    assert list(found.unmatched) == ["credential_list.0.credential_values.api_version"]


LIMITS = [
    ("model: gpt-4o, rpm: 30, tpm: 90000", "", (30, 90_000, None)),
    ("model: gpt-4o, rpm: '30', max_parallel_requests: 4", "", (30, None, 4)),
    ("model: gpt-4o, rpm: 30", ", rpm: 60, tpm: 1000", (30, 1000, None)),
]


@pytest.mark.parametrize(("params", "more", "expected"), LIMITS)
def test_limits_per_minute_and_in_flight(imported, params, more, expected):
    limits = only(imported(entry(params, more))).limits
    assert (limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency) == expected


def test_a_limit_is_told_to_hold_for_the_fleet_and_one_that_is_not_taken_is_told_too(imported):
    found = imported(entry("model: gpt-4o, rpm: 30", ", rpm: 60"))
    assert "over the whole fleet" in found.differing["model_list.0.litellm_params.rpm"]
    assert "model_list.0.rpm" in found.unmatched
