"""What model groups, fallbacks, aliases and retries become."""

import pytest

from config.outcomes import Override
from config.presets import PRESETS
from tasks.request_check import check_request

GROUPS = """
model_list:
- {model_name: fast, litellm_params: {model: groq/small}}
- {model_name: smart, litellm_params: {model: openai/large}}
- {model_name: smart, litellm_params: {model: azure/large, api_base: 'https://r.openai.azure.com'}}
- {model_name: last, litellm_params: {model: ollama/local}}
"""
FAST, SMART, LAST = ["groq-small"], ["openai-large", "azure-large"], ["ollama-local"]


def providers(found):
    return {name: list(chain.providers) for name, chain in found.settings.chains.items()}


def test_a_group_is_a_chain_in_the_files_order(imported):
    found = imported(GROUPS)
    assert providers(found)["smart"] == SMART
    assert found.differing["model_list.1"].startswith("LiteLLM spreads calls over them")


def test_the_chains_of_the_defaults_ask_the_first_group(imported):
    found = providers(imported(GROUPS))
    assert [found[name] for name in ("default", "high-priority", "low-cost", "local-first")] == [FAST] * 4


def test_a_group_named_default_is_the_default_chain(imported):
    found = providers(imported(GROUPS.replace("model_name: last", "model_name: default")))
    assert (found["default"], found["low-cost"]) == (LAST, FAST)


def test_names_that_ours_cannot_be_are_written_otherwise(imported):
    text = (
        "model_list: [{model_name: a/b, litellm_params: {model: gpt-3.5-turbo}},"
        " {model_name: a.b, litellm_params: {model: gpt-4o}}]"
    )
    found = imported(text)
    assert providers(found)["a-b"] == ["openai-gpt-3-5-turbo"]
    assert providers(found)["a-b-2"] == ["openai-gpt-4o"]
    assert '# model group "a.b"\n[chains.a-b-2]' in found.text


def test_order_and_weight_order_a_chain(imported):
    params = ("weight: 1", "weight: 3", "order: 2", "order: 1")
    entries = (f"{{model_name: g, litellm_params: {{model: openai/{i}, {each}}}}}" for i, each in enumerate(params))
    found = imported(f"model_list: [{', '.join(entries)}]")
    assert providers(found)["g"] == ["openai-3", "openai-2", "openai-1", "openai-0"]
    assert found.differing["model_list.1.litellm_params.weight"] == "a chain asks in order: the heaviest first"


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
def test_fallbacks_follow_and_bring_their_own(imported, section):
    found = imported(GROUPS + f"{section}: {{fallbacks: [{{fast: [smart]}}, {{smart: [last, fast]}}]}}")
    assert providers(found)["fast"] == FAST + SMART + LAST
    assert providers(found)["smart"] == SMART + LAST + FAST
    assert providers(found)["last"] == LAST


def test_default_fallbacks_follow_groups_without_their_own(imported):
    found = imported(GROUPS + "litellm_settings: {fallbacks: [{fast: [smart]}], default_fallbacks: [last]}")
    assert providers(found)["fast"] == FAST + SMART + LAST
    assert providers(found)["smart"] == SMART + LAST


def test_groups_for_long_prompts_end_the_chain(imported):
    found = imported(GROUPS + "router_settings: {context_window_fallbacks: [{fast: [smart]}]}")
    assert providers(found)["fast"] == FAST + SMART
    assert found.settings.chains["fast"].outcomes == {}
    assert "asked after other failures, too" in found.differing["model_list.0"]


def test_groups_for_refused_prompts_let_a_refusal_go_on(imported):
    found = imported(GROUPS + "router_settings: {content_policy_fallbacks: [{fast: [last]}]}")
    assert providers(found)["fast"] == FAST + LAST
    assert found.settings.chains["fast"].outcomes == {"refused": Override(next_provider="at-once")}
    assert found.settings.chains["last"].outcomes == {}


def test_an_alias_is_a_chain_and_may_be_a_fallback(imported):
    text = (
        "router_settings: {model_group_alias: {gpt-4: smart, old: {model: last, hidden: true}},"
        " fallbacks: [{fast: [gpt-4]}]}"
    )
    found = imported(GROUPS + text)
    assert (providers(found)["gpt-4"], providers(found)["old"]) == (SMART, LAST)
    assert providers(found)["fast"] == FAST + SMART
    assert found.unmatched == {"router_settings.model_group_alias.old.hidden": "no list of models is served"}


def test_an_alias_may_have_fallbacks_of_its_own(imported):
    text = "router_settings: {model_group_alias: {quick: fast}, fallbacks: [{quick: [last]}, {fast: [smart]}]}"
    found = providers(imported(GROUPS + text))
    assert (found["quick"], found["fast"]) == (FAST + LAST, FAST + SMART)


def test_an_alias_with_the_fallbacks_of_its_group_is_told(imported):
    text = "router_settings: {model_group_alias: {quick: fast, l: last}, fallbacks: [{fast: [smart]}]}"
    found = imported(GROUPS + text)
    assert providers(found)["quick"] == FAST + SMART
    path = "router_settings.model_group_alias."
    assert {each for each in found.differing if each.startswith(path)} == {f"{path}quick"}


def test_what_names_no_converted_group_is_told(imported):
    text = (
        "router_settings: {model_group_alias: {a: gone}, fallbacks: [{gone: [fast]}, {fast: [gone, {model: x}]}, last]}"
    )
    assert list(imported(GROUPS + text).unmatched) == [
        "router_settings.model_group_alias.a",
        "router_settings.fallbacks.0.gone",
        "router_settings.fallbacks.1.fast.0",
        "router_settings.fallbacks.1.fast.1",
        "router_settings.fallbacks.2",
    ]


def test_the_routers_settings_win_over_the_librarys(imported):
    text = "router_settings: {num_retries: 1, fallbacks: []}\nlitellm_settings: {num_retries: 5, allowed_fails: 1}"
    found = imported(GROUPS + text)
    assert found.settings.chains["fast"].retry.max_retries == 1
    assert found.unmatched == {"litellm_settings.num_retries": "router_settings.num_retries wins"}


def test_a_pause_before_retries_is_the_first_backoff(imported):
    retry = imported(GROUPS + "router_settings: {retry_after: 90}").settings.chains["smart"].retry
    assert (retry.initial_backoff, retry.max_backoff) == (90, 90)


def test_retries_of_a_group_hold_if_its_deployments_agree(imported):
    text = GROUPS.replace("groq/small", "groq/small, num_retries: 4").replace(
        "openai/large", "openai/large, num_retries: 4"
    )
    found = imported(text)
    assert found.settings.chains["fast"].retry.max_retries == 4
    assert found.settings.chains["smart"].retry.max_retries == 3
    assert list(found.unmatched) == ["model_list.1.litellm_params.num_retries"]


def test_a_policy_overrides_the_classes(imported):
    policy = (
        "retry_policy: {TimeoutErrorRetries: 0, RateLimitErrorRetries: 1, InternalServerErrorRetries: 7,"
        " AuthenticationErrorRetries: 2, OtherRetries: 1}"
    )
    of_fast = "model_group_retry_policy: {fast: {TimeoutErrorRetries: 1}}"
    found = imported(GROUPS + f"router_settings: {{num_retries: 2, {policy}, {of_fast}}}")
    expected = {
        "timeout": Override(same_provider="never"),
        "rate-limited": Override(same_provider="once"),
        "transient": Override(same_provider="backoff"),
    }
    assert found.settings.chains["smart"].outcomes == expected
    assert found.settings.chains["fast"].outcomes == expected | {"timeout": Override(same_provider="once")}
    assert list(found.unmatched) == [
        "router_settings.retry_policy.AuthenticationErrorRetries",
        "router_settings.retry_policy.OtherRetries",
    ]
    assert "router_settings.retry_policy.InternalServerErrorRetries" in found.differing


def test_a_chain_has_the_time_of_its_longest_call(imported):
    chains = imported(GROUPS.replace("groq/small", "groq/small, timeout: 900")).settings.chains
    assert (chains["fast"].timeout, chains["smart"].timeout) == (900, 600)


def test_what_callers_name_as_the_model_stays_a_name(imported):
    text = "router_settings: {model_group_alias: {gpt-4: smart, old: {model: last, hidden: true}, a: gone}}"
    found = imported(GROUPS + text)
    assert found.settings.models == dict.fromkeys(("fast", "smart", "last", "gpt-4", "old"), "default")
    assert found.settings.unknown_model == "refuse"
    for name in found.settings.models:
        asked = check_request(found.settings, {"messages": [{"role": "user", "content": "Hi"}], "model": name}, name)
        provider = found.settings.providers[found.settings.chains[name].providers[0]]
        assert provider.model(asked.model) == provider.models["default"]


def test_a_group_for_any_name_answers_unknown_names_and_the_chains_of_the_defaults(imported):
    found = imported(GROUPS + "- {model_name: '*', litellm_params: {model: 'anthropic/*'}}")
    assert found.settings.unknown_model == "default"
    assert (providers(found)["any"], providers(found)["default"]) == (["anthropic-any"], ["anthropic-any"])
    assert found.differing["model_list.4"].endswith("a name that nobody has is answered by the first of them")
    models = PRESETS["anthropic"]["models"]
    assert {model["name"]: tier for tier, model in models.items()}.items() <= found.settings.models.items()


def test_names_that_no_table_can_have_are_told(imported):
    long = "x" * 201
    entry = f"- {{model_name: {long}, litellm_params: {{model: gpt-4o}}}}"
    alias = f"router_settings: {{model_group_alias: {{{long}: fast}}}}"
    told = ["model_list.4", f"router_settings.model_group_alias.{long}"]
    assert list(imported(f"{GROUPS}{entry}\n{alias}").unmatched) == told
