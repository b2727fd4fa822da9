"""Computes from a completion's journal where it stands in its chain: the set of providers that are left to be asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from config.chains import Chain, Retry
from config.outcomes import Outcome, Rule
from config.providers import Model, Provider
from worker.chain.route import Route
from worker.pricing import library
from worker.task.journal import SKIPPED, Entry, Line, RoundStart

_ABOUT_THE_REQUEST = (Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID)
"""Outcomes that stay the same: asking the provider again in a later round would change nothing."""

_UNKNOWN = Rule(same_provider="never", next_provider="at-once", breaker="ignored")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a completion stands in its chain: which providers are left to be asked in this round.

    Attributes:
        rounds: how many new rounds were started.
        tries: attempts per provider since the last fresh round.
        current: the provider whose retries come first, None for none.
        since: epoch in seconds of its last attempt.
        left: providers that were asked in this round and left.
        exhausted: providers without a retry left.
        closed: providers that are ruled out for this completion.
    """

    rounds: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    current: str | None = None
    since: float = 0.0
    left: frozenset[str] = frozenset()
    exhausted: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def remaining(self, route: Route) -> list[str]:
        """Returns the providers that may still be asked in this round: the current one, then the chain's order."""
        remaining = [p for p in self.with_retry(route) if p not in self.left]
        return sorted(remaining, key=lambda provider: provider != self.current)

    def first(self, route: Route) -> str | None:
        """Returns the current provider if it is in a group: its retries come before the rest of the group."""
        return self.current if any(self.current in group for group in route.chain.groups) else None

    def with_retry(self, route: Route) -> list[str]:
        """Returns the providers that may be asked in this round or in one that keeps the counts."""
        return [p for p in self.able(route) if p not in self.exhausted]

    def able(self, route: Route) -> list[str]:
        """Returns the providers that may be asked in a fresh round."""
        return [p for p in route.candidates() if p not in self.closed]

    def waiting(self, route: Route, asked: str) -> list[str]:
        """Returns the remaining providers that were not asked yet, without the one that is `asked` now."""
        return [p for p in self.remaining(route) if p != asked and not self.tries[p]]


def position(route: Route, lines: Sequence[Line]) -> Position:
    """Returns where a completion stands after these lines; within a round providers only leave."""
    now = Position()
    for line in lines:
        now = _after_line(now, route, line)
    return now


def _after_line(now: Position, route: Route, line: Line) -> Position:
    """Returns the position after one more line of the journal."""
    if isinstance(line, RoundStart):
        return _new_round(now, line)
    if line.outcome in (SKIPPED, Outcome.CUT_SHORT) or line.provider not in route.chain.providers:
        return now  # an attempt that we cut short says nothing of its provider
    return _after_attempt(now, route, line)


def _new_round(now: Position, start: RoundStart) -> Position:
    fresh = Position(rounds=now.rounds + 1, closed=now.closed)
    return fresh if start.fresh else replace(fresh, tries=now.tries, exhausted=now.exhausted)


def _after_attempt(now: Position, route: Route, entry: Entry) -> Position:
    chain, provider, rule = route.chain, entry.provider, _rule(entry, route.chain)
    tries = now.tries + Counter([provider])
    is_exhausted = tries[provider] > _max_retries(rule, route.retry(provider))
    exhausted = now.exhausted | {provider} if is_exhausted else now.exhausted
    closed = now.closed | _ruled_out_by(entry, rule, route)
    if is_exhausted and entry.outcome in _ABOUT_THE_REQUEST:
        closed |= {provider}
    now = replace(now, tries=tries, exhausted=exhausted, closed=closed)
    if entry.at < now.since:  # a delivery that lost its lease wrote its line late
        return replace(now, left=now.left | {provider})
    left = now.left | {now.current} if now.current else now.left
    stays = not is_exhausted and _retries_come_first(rule, chain)
    if stays:
        return replace(now, current=provider, since=entry.at, left=left - {provider})
    return replace(now, current=None, since=entry.at, left=left | {provider})


def _rule(entry: Entry, chain: Chain) -> Rule:
    """Returns the rule of an outcome; one that only a newer worker knows leaves the provider for good."""
    try:
        return chain.rules[Outcome(entry.outcome)]
    except ValueError:
        return _UNKNOWN


def _max_retries(rule: Rule, retry: Retry) -> int:
    of_rule = {"never": 0, "once": 1}.get(rule.same_provider, retry.max_retries)
    return min(of_rule, retry.max_retries)


def _retries_come_first(rule: Rule, chain: Chain) -> bool:
    """Returns whether a provider's retries come before the next provider, or no provider may follow."""
    if rule.next_provider == "never":
        return True
    at_once = rule.next_provider == "at-once" and rule.same_provider != "retry-after"
    return chain.failover == "after-retries" and not at_once


def _ruled_out_by(entry: Entry, rule: Rule, route: Route) -> frozenset[str]:
    """Returns the other providers that this failure rules out."""
    asked, tier = route.providers[entry.provider], route.tier
    others = {p: route.providers[p] for p in route.chain.providers if p != entry.provider}
    match rule.next_provider:
        case "once-per-host-and-model":
            model = asked.model(tier).name
            ruled_out = [p for p, each in others.items() if each.host == asked.host and each.model(tier).name == model]
        case "larger-window" if entry.scope == "host":
            ruled_out = [p for p, each in others.items() if each.host == asked.host]
        case "larger-window":
            window = _window(asked, asked.model(tier))
            ruled_out = [p for p, each in others.items() if not _larger(each, tier, window)]
        case "never":
            ruled_out = list(others)
        case _:
            ruled_out = []
    return frozenset(ruled_out)


def _window(provider: Provider, model: Model) -> int | None:
    """Returns the window that was exceeded, in tokens: the configured one, else the library's.

    The library's may be of an earlier version of a model: of who was not asked yet it counts for nothing.
    """
    if model.context is not None:
        return model.context
    listed = library.listed(provider, model.name)
    return listed.window if listed else None


def _larger(provider: Provider, tier: str, window: int | None) -> bool:
    """Returns whether a provider may take what exceeded a window of so many tokens.

    An unknown window says nothing of the others. A known one that is too small by the estimate is no candidate at all.
    """
    other = provider.model(tier).context
    return window is None or other is None or other > window
