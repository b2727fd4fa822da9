"""What is wrong with a provider: the breaker's state, in the words of the vendor's last error; slowness; limits."""

from collections.abc import Iterator

from config.outcomes import Outcome
from config.providers import DISABLED, Provider
from worker.admission.breaker import Snapshot
from worker.admission.stalls import Silence
from worker.diagnosis.durations import seconds, span
from worker.diagnosis.facts import Facts
from worker.diagnosis.keys import refused_on
from worker.diagnosis.problem import Problem
from worker.limits.usage import Used
from worker.telemetry.cures import ADD_CREDIT, END_OVERRIDE

UNREACHABLE = frozenset(("connection", "connect_timeout"))
"""Reasons of a failure without a connection."""

FEW_PROBES = 3
"""Failed probes in a row from which on nobody is there."""

_LATE = frozenset(("stalled", "learned_limit"))
"""Reasons of a failure by what was learned of first tokens."""

_FEW, _TENTH = 10, 0.1
"""As in lua/admission/breaker.lua: from so many calls on, a larger share of failures is a problem."""

_LIMITED = {
    "concurrency": "calls in flight",
    "requests_per_minute": "requests in the last minute",
    "tokens_per_minute": "tokens in the last minute",
}


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields what is wrong with each provider, the gravest of its breaker first."""
    for name, provider in facts.settings.providers.items():
        if provider.missing == DISABLED:
            continue
        now = facts.breakers[name]
        if found := _state(facts, now):
            yield found
        if now.slow_since:
            what = f"slow: first token p50 {seconds(now.latency_mean)} s, usual {seconds(now.usual_mean)}"
            cure = "see the vendor's status page; if it lasts, put another provider first in the chain"
            yield Problem("slow", name, what, now.slow_since, cure)
        yield from _models(provider, facts)
        if name in facts.used:
            yield from _limits(provider, facts.used[name])


def _state(facts: Facts, now: Snapshot) -> Problem | None:
    """Returns what is wrong with the state of one breaker; None if calls go through and are answered."""
    if now.override:
        return _forced(now)
    if now.auth_locked:
        return _refused(facts, now)
    if now.state != "closed":
        return _open(now)
    if now.limited_until > now.now:
        what = f"rate limited{_words(now)}, asked again in {span(now.limited_until - now.now)}"
        cure = "ask the vendor for a higher limit, or set limits.requests_per_minute below it"
        return Problem("rate-limited", now.provider, what, now.error_at or None, cure)
    if now.failed_probes >= FEW_PROBES:
        what = f"{now.failed_probes} probes in a row were not answered, or with a 5xx"
        cure = f"is {facts.settings.providers[now.provider].base_url} up, and reachable from the probes' worker? See: "
        since = now.unhealthy or None
        return Problem("provider-unreachable", now.provider, what, since, cure + "fallback check", "critical")
    if silence := facts.silent.get(now.provider):
        return _silent(facts, now.provider, silence)
    if now.count >= _FEW and now.failed > now.count * _TENTH:
        what = f"{now.failed} of the last {now.count} calls failed, the last one{_words(now)}"
        cure = "fallback events, and the vendor's status page; its breaker opens by itself"
        return Problem("failing", now.provider, what, now.error_at or None, cure)
    if now.failed_probes:
        what = "its last probe was not answered, or with a 5xx"
        return Problem("provider-unreachable", now.provider, what, None, "fallback check asks it now")
    if now.deprioritised_until > now.now and not now.slow_since:
        what = f"slow first tokens: asked last for {span(now.deprioritised_until - now.now)}"
        return Problem("slow", now.provider, what, None, "none; if it repeats, put another provider first in the chain")
    return None


def _forced(now: Snapshot) -> Problem:
    by = f" by {now.override_by}" if now.override_by else " by an operator"
    left = f", {span(now.override_until - now.now)} left" if now.override_until else ", without end"
    effect = "nobody asks it" if now.override == "open" else "it is asked whatever happens"
    kind = "breaker-forced-open" if now.override == "open" else "breaker-forced-closed"
    what = f"breaker forced {now.override}{by}{left}: {effect}"
    return Problem(kind, now.provider, what, now.override_at or None, END_OVERRIDE.format(provider=now.provider))


def _silent(facts: Facts, name: str, silence: Silence) -> Problem:
    what = f"silent: {silence.calls} calls wait for far longer than usual, and nobody has had a token"
    breaker = facts.settings.providers[name].breaker
    opens = f"its breaker opens by itself at {breaker.failure_threshold} of them"
    cure = opens if breaker.adaptive.stalls == "on" else 'breaker.adaptive.stalls = "on" would open its breaker'
    return Problem("provider-silent", name, what, silence.since, f"see the vendor's status page; {cure}")


def _refused(facts: Facts, now: Snapshot) -> Problem:
    """Returns the problem of a refused key; where workers have different ones, it names those that had the refused."""
    who, cure = refused_on(facts, now.provider)
    since = now.unhealthy or now.error_at or None
    cure = f"{cure}; a probe then clears the lock, or: {_command(now)}"
    return Problem("key-refused", now.provider, f"key refused{_words(now)}{who}", since, cure, "critical")


def _open(now: Snapshot) -> Problem:
    """Returns the problem of a breaker that is open or half-open, by the class of its last error."""
    outcome, _, rest = now.error.partition(" ")
    left = now.open_until - now.now
    again = (
        f"asked again in {span(left)}" if now.state == "open" and left > 0 else "asked again now, one call at a time"
    )
    since = now.unhealthy or None
    if now.quota or outcome == Outcome.QUOTA_EXHAUSTED:
        what = f"quota spent{_words(now)}, {again}"
        cure = ADD_CREDIT.format(provider=now.provider)
        return Problem("quota-spent", now.provider, what, since, cure, "critical")
    state = f"breaker {now.state}, {again}"
    cure = f"none needed, it is tried by itself; see the vendor's status page, or sooner: {_command(now)}"
    if outcome == Outcome.OVERLOADED or rest[:1] == "5":
        return Problem(
            "provider-overloaded", now.provider, f"overloaded{_words(now)}: {state}", since, cure, "critical"
        )
    if rest in UNREACHABLE:
        cure = (
            f"is its address right and its server up? See: fallback check; it is tried by itself, or: {_command(now)}"
        )
        what = f"unreachable{_words(now)}: {state}"
        return Problem("provider-unreachable", now.provider, what, since, cure, "critical")
    if outcome == Outcome.TIMEOUT:
        return Problem("provider-silent", now.provider, f"silent{_words(now)}: {state}", since, cure, "critical")
    return Problem("breaker-open", now.provider, f"{state}{_words(now)}", since, cure, "critical")


def _models(provider: Provider, facts: Facts) -> Iterator[Problem]:
    if facts.breakers[provider.name].consecutive_successes:  # it answers, whatever it lists
        return
    for tier, status in facts.models.get(provider.name, {}).items():
        if status == "missing":
            what = f"its list of models has no {provider.models[tier].name} (tier {tier}); it may refuse it"
            cure = f"correct models.{tier}.name; see: fallback status --models"
            yield Problem("misconfigured", provider.name, what, None, cure)


def _limits(provider: Provider, used: Used) -> Iterator[Problem]:
    for name, (count, limit) in used.by_limit(provider.limits).items():
        if limit is not None and count >= limit:
            what = f"our own limit is reached: {count:,} of {limit:,} {_LIMITED[name]}"
            yield Problem("limit-reached", provider.name, what, None, f"raise limits.{name}, or add a provider")


def _words(now: Snapshot) -> str:
    """Returns the status or reason of the last error, and the vendor's word for it, in brackets."""
    words = now.error.partition(" ")[2] or now.error
    if words in _LATE:
        return " (no first token for far longer than usual)"
    return f" ({words.replace('_', ' ') if words in UNREACHABLE else words})" if words else ""


def _command(now: Snapshot) -> str:
    return f"fallback breaker reset {now.provider}"
