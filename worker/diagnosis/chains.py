"""Which chains cannot answer: no provider of theirs admits within half a minute."""

from collections.abc import Iterator

from config.chains import Chain
from worker.diagnosis.durations import span
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem
from worker.diagnosis.providers import FEW_PROBES

SOON = 30.0
"""Seconds that a chain may wait for a provider without being a problem."""


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields each chain that cannot answer."""
    for chain in facts.settings.chains.values():
        if chain.enabled and (why := _why_down(facts, chain)):
            waits = "its completions are parked" if chain.when_exhausted == "wait" else "its completions fail"
            what = f"no provider can answer ({'; '.join(why)}), {waits}"
            since = [facts.breakers[name].unhealthy or None for name in chain.providers if not facts.missing(name)]
            # Down since the last of them went.
            at = max((each for each in since if each), default=None) if all(since) else None
            yield Problem("chain-down", chain.name, what, at, _cure(facts, chain), "critical")


def _why_down(facts: Facts, chain: Chain) -> list[str]:
    """Returns why each provider of a chain does not admit; empty if one does, or will soon."""
    if _is_spent(facts, chain):
        return ["its budget of today is spent"]
    why = []
    for name in chain.providers:
        if reason := facts.missing(name):
            why.append(f"{name} {reason}")
            continue
        wait = facts.admissions.get(name, 0.0)
        if wait is not None and wait < SOON and not _is_dead(facts, name):
            return []
        why.append(f"{name} {_refusal(facts, name, wait)}")
    return why


def _is_spent(facts: Facts, chain: Chain) -> bool:
    """Returns whether a chain's budget of today is used up."""
    return chain.usd_per_day is not None and facts.used_usd.get(f"chain:{chain.name}", 0.0) >= chain.usd_per_day


def _is_dead(facts: Facts, name: str) -> bool:
    """Returns whether no probe and no call of a provider that admits has been answered lately."""
    now = facts.breakers[name]
    return now.failed_probes >= FEW_PROBES and now.consecutive_successes == 0 and now.override != "closed"


def _refusal(facts: Facts, name: str, wait: float | None) -> str:
    now = facts.breakers[name]
    left = f", {span(wait)} left" if wait else ""
    if now.override == "open":
        return f"forced open{left}"
    if now.auth_locked:
        return "key refused"
    if now.limited_until > now.now + SOON:
        return f"rate limited{left}"
    if now.state != "closed":
        return f"breaker {now.state}{left}"
    return "unreachable" if _is_dead(facts, name) else f"at its limit{left}"


def _cure(facts: Facts, chain: Chain) -> str:
    if _is_spent(facts, chain):
        return f"raise chains.{chain.name}.usd_per_day, or wait for 00:00 UTC"
    if all(map(facts.missing, chain.providers)):
        wanted = [facts.settings.providers[name].wanted for name in chain.providers]
        return f"configure a provider: set {' or '.join(filter(None, wanted)) or 'a key'} for the workers"
    forced = next((name for name in chain.providers if facts.breakers[name].override == "open"), None)
    if forced:
        return f"end the override: fallback breaker reset {forced}"
    return "cure one of its providers, see their lines, or add another one to the chain"
