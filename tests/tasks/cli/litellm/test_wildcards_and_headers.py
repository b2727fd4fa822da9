"""Wildcards and headers of deployments."""

import pytest

from config.headers import HeaderVariable
from config.presets import PRESETS
from tests.tasks.cli.litellm.test_providers import entry, only


def wildcard(name, model, more=""):
    return f"{{model_name: '{name}', litellm_params: {{model: '{model}'{more}}}}}"


WILDCARDS = [
    ("azure/*", "azure/*", "", "a wildcard names no model"),
    ("ours/*", "openai/*", ", api_base: 'http://10.0.0.7:8000/v1'", "a wildcard names no model"),
    ("gpt-*", "openai/gpt-*", "", "a wildcard for a part"),
    ("*/*", "openai/*", "", "a wildcard for a part"),
    ("bedrock/*", "bedrock/*", "", "no dialect here"),
]


@pytest.mark.parametrize(("name", "model", "more", "why"), WILDCARDS)
def test_a_wildcard_of_a_vendor_without_known_models_is_told(imported, name, model, more, why):
    found = imported(f"model_list: [{wildcard(name, model, more)}, {wildcard('good', 'gpt-4o')}]")
    assert found.unmatched["model_list.0"].startswith(why)


def test_a_wildcard_of_a_vendor_is_its_preset(imported):
    found = imported(f"model_list: [{wildcard('ours/*', 'groq/*', ', timeout: 9')}]")
    assert found.tables["providers"] == {"groq-any": {"preset": "groq", "attempt_timeout": 9.0}}
    models = PRESETS["groq"]["models"]
    assert {model.name for model in only(found).models.values()} == {each["name"] for each in models.values()}
    assert found.settings.models == {
        f"{before}{model['name']}": tier for before in ("ours/", "") for tier, model in models.items()
    }
    assert found.differing["model_list.0"].startswith("asks the models of the preset alone: ")


PUBLIC = "extra_headers: {anthropic-beta: context-1m, X-Title: Ours}, organization: ours"
SECRET = (
    "headers: {Authorization: sk-hidden, X-Team: os.environ/TEAM}, extra_headers: {x-team: os.environ/MINE, X-K: 5}"
)


def test_headers_that_all_may_see_are_written(imported):
    found = only(imported(entry(f"model: gpt-4o, {PUBLIC}")))
    assert found.headers == {"anthropic-beta": "context-1m", "X-Title": "Ours", "OpenAI-Organization": "ours"}


def test_any_other_header_is_a_variable(imported):
    found = imported(entry(f"model: gpt-4o, {SECRET}"), OPENAI_API_KEY="k", MINE="a", OPENAI_GPT_4O_X_K="b")
    assert only(found).missing == "no value of header Authorization"
    assert {name: header.env for name, header in only(found).headers.items() if isinstance(header, HeaderVariable)} == {
        "Authorization": "OPENAI_GPT_4O_AUTHORIZATION",
        "x-team": "MINE",
        "X-K": "OPENAI_GPT_4O_X_K",
    }
    assert found.conversion.variables["OPENAI_GPT_4O_X_K"] == "header X-K: openai-gpt-4o"
    assert "hidden" not in found.text


def test_a_secret_that_is_key_and_header_has_one_variable(imported):
    params = "model: gpt-4o, api_key: sk-hidden, extra_headers: {api-key: sk-hidden}"
    found = imported(entry(params), OPENAI_GPT_4O_API_KEY="k")
    assert only(found).missing is None
    assert found.conversion.variables == {"OPENAI_GPT_4O_API_KEY": "key: openai-gpt-4o"}


def test_headers_that_cannot_be_sent_are_told(imported):
    params = "extra_headers: {Host: x, 'a b': x, X-A: [1], user-agent: ' x'}, organization: [1]"
    found = imported(entry(f"model: gpt-4o, {params}"))
    path = "model_list.0.litellm_params."
    assert found.unmatched == {
        f"{path}extra_headers.Host": "is a header that the HTTP client sets",
        f"{path}extra_headers.a b": "is no header: a name has letters, digits and -",
        f"{path}extra_headers.X-A": "is no text",
        f"{path}extra_headers.user-agent": "must be printable ASCII, without blanks around it",
        f"{path}organization": "is no text",
    }
    assert only(found).headers == {}
