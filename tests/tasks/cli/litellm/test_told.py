"""What has no counterpart is told, with its line, and never with its value."""

import pytest

from tasks.cli.litellm.document import report
from tasks.cli.litellm.remarks import REASONS, reason
from tasks.cli.litellm.vendors import VENDORS

EVERYWHERE = """
unheard_of: 1
model_list:
- model_name: a
  unheard_of: 1
  litellm_params:
    model: gpt-4o
    unheard_of: 1
  model_info: {unheard_of: 1}
router_settings:
  unheard_of: 1
  retry_policy: {unheard_of: 1}
  model_group_retry_policy: {a: {unheard_of: 1}}
litellm_settings: {unheard_of: 1}
general_settings: {unheard_of: 1}
environment_variables: {unheard_of: 1}
"""


def test_a_key_that_nobody_knows_is_told_wherever_it_stands(imported):
    found = imported(EVERYWHERE).conversion.remarks.unmatched
    assert sorted((each.path, each.place.rpartition(":")[2]) for each in found) == sorted(
        [
            ("unheard_of", "2"),
            ("model_list.0.unheard_of", "5"),
            ("model_list.0.litellm_params.unheard_of", "8"),
            ("model_list.0.model_info.unheard_of", "9"),
            ("router_settings.unheard_of", "11"),
            ("router_settings.retry_policy.unheard_of", "12"),
            ("router_settings.model_group_retry_policy.a.unheard_of", "13"),
            ("litellm_settings.unheard_of", "14"),
            ("general_settings.unheard_of", "15"),
            ("environment_variables.unheard_of", "16"),
        ]
    )


SECRETS = """
environment_variables: {OPENAI_API_KEY: sk-hidden}
credential_list: [{credential_name: c, credential_values: {api_key: sk-hidden, other: sk-hidden}}]
general_settings: {master_key: sk-hidden, database_url: 'postgresql://u:sk-hidden@db/x'}
litellm_settings: {cache_params: {password: sk-hidden}, default_team_settings: [{langfuse_secret: sk-hidden}]}
router_settings: {redis_password: sk-hidden, timeout: sk-hidden, fallbacks: [{a: [{model: a, api_key: sk-hidden}]}]}
model_list:
- {model_name: a, litellm_params: {model: gpt-4o, api_key: sk-hidden, extra_headers: {Authorization: sk-hidden}}}
- {model_name: b, litellm_params: {model: openai/x, api_key: sk-hidden, api_base: 'https://h/v1?key=sk-hidden'}}
- {model_name: c, litellm_params: {model: openai/y, litellm_credential_name: c}}
- {model_name: d, litellm_params: {model: bedrock/z, aws_secret_access_key: sk-hidden}}
"""


def test_no_value_of_the_file_is_repeated(imported):
    found = imported(SECRETS)
    assert "hidden" not in found.text + "\n".join(report(found.conversion))
    assert "hidden" not in repr(found.conversion.providers)


def test_a_key_in_the_file_becomes_a_variable_and_equal_keys_one(imported):
    found = imported(
        SECRETS.replace("Authorization: sk-hidden", "Authorization: Bearer sk-hidden"), OPENAI_GPT_4O_API_KEY="k"
    )
    keys = {name: found.settings.providers[name].api_key_env for name in found.tables["providers"]}
    assert keys == {"openai-gpt-4o": "OPENAI_GPT_4O_API_KEY", "openai-y": "OPENAI_GPT_4O_API_KEY"}
    assert found.settings.providers["openai-y"].missing is None
    assert found.conversion.variables == {
        "OPENAI_GPT_4O_API_KEY": "key: openai-gpt-4o, openai-y",
        "OPENAI_GPT_4O_AUTHORIZATION": "header Authorization: openai-gpt-4o",
    }


KINDS = [
    ("x", "text"),
    ("os.environ/X", "variable"),
    ("2", "number"),
    ("true", "yes or no"),
    ("[1, 2]", "list of 2"),
    ("{a: 1}", "table of 1"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("value", "kind"), KINDS)
def test_the_kind_of_a_value_is_told(imported, value, kind):
    found = imported(f"model_list: [{{model_name: a, litellm_params: {{model: gpt-4o}}}}]\nthing: {value}\n")
    assert [each.kind for each in found.conversion.remarks.unmatched] == [kind]


KEYS = [
    (("litellm_settings", "max_budget"), "usd_per_day of a chain"),
    (("router_settings", "provider_budget_config"), "usd_per_day of a chain"),
    (("model_list", 0, "litellm_params", "rpd"), "requests_per_minute, tokens_per_minute"),
    (("general_settings", "global_max_parallel_requests"), "requests_per_minute, tokens_per_minute"),
    (("model_list", 0, "litellm_params", "temperature"), "a request carries it"),
    (("router_settings", "routing_strategy"), "a chain asks its providers in order"),
    (("router_settings", "redis_host"), "REDIS_URL names"),
    (("litellm_settings", "success_callback"), "events, metrics and logs"),
    (("litellm_settings", "cache_params"), "answers are not cached"),
    (("general_settings", "master_key"), "no HTTP server"),
    (("general_settings", "database_url"), "no HTTP server"),
    (("guardrails",), "no guardrails"),
    (("mcp_servers",), "chat completions and nothing else"),
    (("unheard_of",), "no setting corresponds"),
]


@pytest.mark.parametrize(("path", "why"), KEYS)
def test_the_reason_is_that_of_the_key(path, why):
    assert why in reason(path)


def test_a_key_that_is_there_twice_is_told(imported):
    found = imported("model_list: [{model_name: a, litellm_params: {model: gpt-4o, model: gpt-5}}]")
    assert found.unmatched == {
        "model_list.0.litellm_params.model": "is there twice; the last one counts, as in LiteLLM"
    }
    assert list(found.tables["providers"]) == ["openai-gpt-5"]


def test_every_vendor_has_an_address_or_a_variable_for_it():
    assert [prefix for prefix, vendor in VENDORS.items() if not (vendor.base_url or vendor.base_url_env)] == []


def test_every_reason_is_that_of_some_key():
    assert [each.keys for each in REASONS if reason((each.keys[0].replace("*", "x"),)) != each.why] == []
