"""Budgets of the day that are spent, or nearly."""

from collections.abc import Iterator

from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.limits.usage import budgets

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
        used = facts.used_usd.get(name, 0.0)
        if used < NEARLY * usd:
            continue
        of, _, whose = name.partition(":")
        cure = f"raise {_SETTINGS[of].format(whose)}, or wait for 00:00 UTC"
        is_gone = used >= usd
        kind = "budget-spent" if is_gone else "budget-nearly-spent"
        word = "used up" if is_gone else "nearly used up"
        what = f"the budget of {of} {whose} is {word}: {used:.2f} of {usd:g} USD today"
        yield Problem(kind, whose, what, None, cure, "critical" if is_gone else "warning")
