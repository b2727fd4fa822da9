"""Computes from a completion's journal where it stands in its chain, and what follows from a failure."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from config.chains import Chain
from config.outcomes import Outcome, Rule
from config.providers import Provider
from worker.chain.backoff import delay as backoff
from worker.errors import AttemptFailed
from worker.task.journal import SKIPPED, Entry, Line, RoundStart

UNKNOWN_WAIT = 1.0
"""Estimated seconds of a wait whose end is not known, such as until a key is replaced."""

NOT_CONFIGURED, INCAPABLE = "not configured", "incapable"
"""First words of the reason why a provider is no candidate; details follow after a colon."""

_ABOUT_THE_REQUEST = (Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID)
"""Outcomes that stay the same: asking the provider again in a later round would change nothing."""

Draw = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Route:
    """What all deliveries of a completion share: the chain, the providers by name, the tier that it asks for.

    `lacking` has the providers that cannot take the request, each with the reason.
    """

    chain: Chain
    providers: dict[str, Provider]
    tier: str = "default"
    lacking: Mapping[str, str] = field(default_factory=dict)

    def candidates(self) -> list[str]:
        """Returns the chain's providers that are configured and can take the request."""
        return [p for p in self.chain.providers if self.providers[p].missing is None and p not in self.lacking]

    def unfit(self) -> list[tuple[str, str]]:
        """Returns the chain's other providers, each with the reason."""
        reasons = ((p, self._reason(p)) for p in self.chain.providers)
        return [(provider, reason) for provider, reason in reasons if reason]

    def _reason(self, provider: str) -> str | None:
        if missing := self.providers[provider].missing:
            return f"{NOT_CONFIGURED}: {missing}"
        lacking = self.lacking.get(provider)
        return f"{INCAPABLE}: {lacking}" if lacking else None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a completion stands in its chain.

    Attributes:
        index: the first place of the chain to consider.
        rounds: how many new rounds were started.
        tries: attempts per provider since the last fresh round.
        exhausted: providers without a retry left.
        closed: providers that are ruled out for this completion.
    """

    index: int = 0
    rounds: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    exhausted: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def remaining(self, route: Route) -> list[str]:
        """Returns the providers that may still be asked in this round, in order."""
        ahead = route.chain.providers[self.index :]
        return [p for p in route.candidates() if p in ahead and p not in self.exhausted | self.closed]


@dataclass(frozen=True, slots=True)
class FailureStep:
    """What follows from a failure.

    Attributes:
        countdown: seconds to a retry of the same provider, None for no retry.
        remaining: the providers to ask instead.
        limited: seconds for which the whole fleet leaves the provider alone, 0 for none.
    """

    countdown: float | None
    remaining: list[str]
    limited: float


@dataclass(frozen=True, slots=True)
class Round:
    """A new round: its line of the journal, seconds until it starts, and whether it `waits` until a provider admits."""

    start: RoundStart
    delay: float
    waits: bool


def position(route: Route, lines: Sequence[Line]) -> Position:
    """Returns where a completion stands after these lines; within a round it only moves forward."""
    now = Position()
    for line in lines:
        now = _after_line(now, route, line)
    return now


def after_failure(
    route: Route, lines: Sequence[Line], failed: AttemptFailed, left: float, draw: Draw = random.random
) -> FailureStep:
    """Returns what follows from the failure in the last line, with `left` seconds to the deadline."""
    last = lines[-1]
    assert isinstance(last, Entry)  # noqa: S101 - the caller has just written it
    outcome, now, retry = Outcome(last.outcome), position(route, lines), route.chain.retry
    rule, remaining = route.chain.rules[outcome], now.remaining(route)
    delay = backoff(retry, now.tries[last.provider], failed.retry_after, draw)
    limited = 0.0
    if outcome == Outcome.RATE_LIMITED:
        delay = max(delay, 1.0)
        limited = failed.retry_after or delay
    elif outcome == Outcome.OVERLOADED:
        limited = failed.retry_after or 0.0
    fits = rule.same_provider != "retry-after" or (failed.retry_after or delay) <= retry.max_retry_after
    others = [p for p in remaining if p != last.provider] if rule.next_provider != "never" else []
    stays = last.provider in remaining and fits and delay < left
    return FailureStep(delay if stays else None, others, limited)


def after_exhaustion(
    route: Route, lines: Sequence[Line], wait: float | None, draw: Draw = random.random
) -> Round | None:
    """Returns the new round that follows, None if the chain ends here.

    1. With `failover = "at-once"`, the providers with a retry left are asked again: after a backoff, or, if none was
       asked in this round, after `wait`, if that fits `max_retry_after`.
    2. With `when_exhausted = "wait"`, all providers that can take the request are asked again with fresh retries, as
       soon as one admits.

    Args:
        route: chain, providers and tier.
        lines: the journal.
        wait: seconds until some remaining provider admits, None where no time is known.
        draw: returns random numbers between 0 and 1.
    """
    now, chain = position(route, lines), route.chain
    able, asked = set(route.candidates()) - now.closed, _any_asked(lines)
    pause = backoff(chain.retry, now.rounds + 1, None, draw)
    waits = chain.when_exhausted == "wait"
    if chain.failover == "at-once" and able - now.exhausted:
        if asked:
            return Round(RoundStart(fresh=False), pause, waits=False)
        if wait is not None and wait <= chain.retry.max_retry_after:
            return Round(RoundStart(fresh=False), wait, waits)
    if not (waits and able):
        return None
    if wait is None and asked:
        return Round(RoundStart(fresh=True), pause, waits=False)
    return Round(RoundStart(fresh=True), UNKNOWN_WAIT if wait is None else wait, waits=True)


def _any_asked(lines: Sequence[Line]) -> bool:
    """Returns whether any provider was asked in this round."""
    for line in reversed(lines):
        if isinstance(line, RoundStart):
            return False
        if line.outcome != SKIPPED:
            return True
    return False


def _after_line(now: Position, route: Route, line: Line) -> Position:
    """Returns the position after one more line of the journal."""
    if isinstance(line, RoundStart):
        return _new_round(now, line)
    if line.outcome == SKIPPED or line.provider not in route.chain.providers:
        return now
    return _after_attempt(now, route, line)


def _new_round(now: Position, start: RoundStart) -> Position:
    fresh = Position(rounds=now.rounds + 1, closed=now.closed)
    return fresh if start.fresh else replace(fresh, tries=now.tries, exhausted=now.exhausted)


def _after_attempt(now: Position, route: Route, entry: Entry) -> Position:
    chain, provider, outcome = route.chain, entry.provider, Outcome(entry.outcome)
    rule, tries = chain.rules[outcome], now.tries + Counter([provider])
    is_exhausted = tries[provider] > _max_retries(rule, chain)
    exhausted = now.exhausted | {provider} if is_exhausted else now.exhausted
    closed = now.closed | _ruled_out_by(outcome, provider, route)
    if is_exhausted and outcome in _ABOUT_THE_REQUEST:
        closed |= {provider}
    place = chain.providers.index(provider)
    stays = not is_exhausted and _retries_come_first(rule, chain)
    # Never backwards: a delivery that lost its lease may write its line late.
    index = max(now.index, place if stays else place + 1)
    return replace(now, index=index, tries=tries, exhausted=exhausted, closed=closed)


def _max_retries(rule: Rule, chain: Chain) -> int:
    of_rule = {"never": 0, "once": 1}.get(rule.same_provider, chain.retry.max_retries)
    return min(of_rule, chain.retry.max_retries)


def _retries_come_first(rule: Rule, chain: Chain) -> bool:
    """Returns whether a provider's retries come before the next provider, or no provider may follow."""
    if rule.next_provider == "never":
        return True
    at_once = rule.next_provider == "at-once" and rule.same_provider != "retry-after"
    return chain.failover == "after-retries" and not at_once


def _ruled_out_by(outcome: Outcome, provider: str, route: Route) -> frozenset[str]:
    """Returns the other providers that this failure rules out."""
    asked, others = route.providers[provider], [p for p in route.chain.providers if p != provider]
    match route.chain.rules[outcome].next_provider:
        case "once-per-dialect":
            return frozenset(p for p in others if route.providers[p].dialect == asked.dialect)
        case "larger-window":
            window = asked.model(route.tier).context
            return frozenset(p for p in others if not _larger(route.providers[p], route.tier, window))
        case "never" if outcome != Outcome.CUT_SHORT:  # an attempt cut short ends the walk by itself
            return frozenset(others)
        case _:
            return frozenset()


def _larger(provider: Provider, tier: str, window: int | None) -> bool:
    other = provider.model(tier).context
    return other is None or (window is not None and other > window)
