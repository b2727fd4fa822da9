"""Budgets of the day that are spent, or nearly."""

from collections.abc import Iterator

from worker.diagnosis.facts import Facts, budgets
from worker.diagnosis.problem import Problem

NEARLY = 0.9
"""The share of a budget from which on it is nearly spent."""

_SETTINGS = {
    "provider": "providers.{}.limits.usd_per_day",
    "chain": "chains.{}.usd_per_day",
    "tenant": "tenants.{}.usd_per_day",
}


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields each budget of a provider, a chain or a listed tenant that is spent, or nearly."""
    for name, usd in budgets(facts.settings).items():
        spent = facts.spent.get(name, 0.0)
        if spent < NEARLY * usd:
            continue
        of, _, whose = name.partition(":")
        cure = f"raise {_SETTINGS[of].format(whose)}, or wait for 00:00 UTC"
        is_spent = spent >= usd
        kind, word = ("budget-spent", "spent") if is_spent else ("budget-nearly-spent", "nearly spent")
        what = f"the budget of {of} {whose} is {word}: {spent:.2f} of {usd:g} USD today"
        yield Problem(kind, whose, what, None, cure, "critical" if is_spent else "warning")
