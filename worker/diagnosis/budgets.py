"""Budgets of the day that are spent, or nearly."""

from collections.abc import Iterator

from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.limits.demand import EVERY_OTHER
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
        what = f"the budget of {of} {whose} is {word}: {_usd(used)} of {usd:g} USD today"
        yield Problem(kind, whose, what, None, cure, "critical" if is_gone else "warning")
    yield from _others(facts)


def _others(facts: Facts) -> Iterator[Problem]:
    """Yields how many tenants have used up the budget of `*`; their names are the callers', so none is shown."""
    every = facts.settings.tenants.get(EVERY_OTHER)
    if every is None:
        return
    near = [used for used in facts.others_usd if used >= NEARLY * every.usd_per_day]
    if not near:
        return
    gone = sum(used >= every.usd_per_day for used in near)
    count = f"{gone or len(near):,} tenant{'s' if (gone or len(near)) > 1 else ''}"
    word = "used up" if gone else "nearly used up"
    what = f"the budget of {count} without one of their own is {word}: {every.usd_per_day:g} USD each today"
    cure = 'fallback spend --by tenant; raise tenants."*".usd_per_day, list the tenant, or wait for 00:00 UTC'
    yield Problem("budget-spent" if gone else "budget-nearly-spent", "", what, None, cure)


def _usd(used: float) -> str:
    return f"{used:.2f}" if used >= 1 else f"{used:.4f}"
