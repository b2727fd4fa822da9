"""A provider's own retries, and the budget of all."""

import pytest

from config.chains import Retry
from config.errors import ConfigurationError
from config.retry import ProviderRetry
from config.settings import load


def test_without_a_table_of_its_own_a_provider_has_the_chain_s_policy():
    chain_s = Retry(max_retries=7)
    assert ProviderRetry().over(chain_s) == chain_s


def test_what_a_provider_s_table_names_replaces_the_chain_s_and_nothing_else():
    assert ProviderRetry(max_retries=0, max_retry_after=60).over(Retry(multiplier=3)) == Retry(
        max_retries=0, max_retry_after=60, multiplier=3
    )


def test_a_variable_sets_a_provider_s_own_retries():
    found = load({"FALLBACK_PROVIDERS__CLAUDE__RETRY__MAX_RETRIES": "1"}).providers["claude"]
    assert found.retry == ProviderRetry(max_retries=1)


def test_backoffs_that_contradict_each_other_are_an_error():
    with pytest.raises(
        ConfigurationError, match=r"providers\.claude\.retry: initial_backoff is longer than max_backoff"
    ):
        load({"FALLBACK_PROVIDERS__CLAUDE__RETRY": '{"initial_backoff": 5, "max_backoff": 2}'})


def test_the_common_retry_budget_holds_for_each_provider_that_has_none_of_its_own():
    variables = {
        "FALLBACK_BREAKER__RETRY_BUDGET__SHARE": "0.5",
        "FALLBACK_PROVIDERS__OPENAI__BREAKER__RETRY_BUDGET__MIN_PER_MINUTE": "30",
    }
    providers = load(variables).providers
    budgets = [providers[name].breaker.retry_budget for name in ("claude", "openai")]
    assert [(each.share, each.min_per_minute) for each in budgets] == [(0.5, 3), (0.5, 30)]
