"""Budgets that are used up; of tenants that are not listed how many have spent theirs, and no name."""

from itertools import chain

import pytest

from config.limits import Tenant
from config.settings import Settings
from tests.worker.diagnosis.fleet_facts import NOW, SETTINGS, budgeted, facts, limited
from worker.diagnosis.facts import read
from worker.diagnosis.problems import diagnose
from worker.store.store import Store

LISTED = {"*": Tenant(usd_per_day=20), "acme": Tenant(usd_per_day=1)}
OTHERS: Settings = SETTINGS.model_copy(update={"tenants": LISTED})


def test_a_chain_that_has_nearly_spent_its_budget() -> None:
    [found] = diagnose(facts(settings=budgeted(usd_per_day=10), used_usd={"chain:default": 9.5}))
    assert (found.kind, found.severity) == ("budget-nearly-spent", "warning")
    told = "the budget of chain default is nearly used up: 9.50 of 10 USD today; raise chains.default.usd_per_day"
    assert told in found.line(NOW)


def test_a_provider_that_has_spent_its_budget() -> None:
    [found] = diagnose(facts(settings=limited(usd_per_day=0.02), used_usd={"provider:openai": 0.0226}))
    assert (found.kind, found.severity) == ("budget-spent", "critical")
    told = "is used up: 0.0226 of 0.02 USD today; raise providers.openai.limits.usd_per_day, or wait for 00:00 UTC"
    assert told in found.line(NOW)


@pytest.mark.parametrize(
    ("used", "kind", "what"),
    [
        (
            [20.0, 21.0, 19.0],
            "budget-spent",
            "the budget of 2 tenants without one of their own is used up: 20 USD each",
        ),
        ([19.0, 3.0], "budget-nearly-spent", "the budget of 1 tenant without one of their own is nearly used up"),
    ],
)
def test_tenants_that_are_not_listed_are_counted(used: list[float], kind: str, what: str) -> None:
    [found] = diagnose(facts(settings=OTHERS, others_usd=used))
    assert (found.kind, found.subject, found.severity) == (kind, "", "warning")
    assert found.what.startswith(what)
    assert found.cure.startswith('fallback spend --by tenant; raise tenants."*".usd_per_day')


def test_tenants_within_their_budget_are_no_problem() -> None:
    assert diagnose(facts(settings=OTHERS, others_usd=[1.0])) == []


def test_what_the_others_have_used_is_read_without_the_listed_ones(store: Store) -> None:
    key = store.keys.budgets(int(store.time()) // 86_400)
    used = {"tenant:acme": 9_000_000_000, "tenant:hidden": 20_500_000_000, "tenant:": 5_000_000, "chain:default": 1}
    store.run(("HSET", key, *chain.from_iterable(used.items())))
    found = read(OTHERS, store)
    assert sorted(found.others_usd) == [0.005, 20.5]
    assert "hidden" not in "".join(each.line(found.now) for each in diagnose(found))
