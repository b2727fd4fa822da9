"""Where a completion stands in its chain, and what follows from a failure; all of it computed from its journal."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from config.chains import Chain
from config.outcomes import Outcome, Rule
from config.providers import Provider
from worker.backoff import delay as backoff
from worker.errors import AttemptFailed
from worker.journal import PASSED_OVER, Entry, Line, Mark

ASK_AGAIN = 1.0
"""Seconds foreseen for a wait whose end is not known: until a key is mended, say."""

NOT_CONFIGURED, INCAPABLE = "not configured", "incapable"
"""How the reasons begin for which a provider is no candidate; what follows a colon is its own."""

_ABOUT_THE_REQUEST = (Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.INVALID)
"""Asking a provider again that said so, in a later round, would change nothing."""

Draw = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Route:
    """What stays the same from delivery to delivery: the chain, the providers by name, the tier asked for.

    `lacking` says of the providers that cannot take the request what they lack.
    """

    chain: Chain
    providers: dict[str, Provider]
    tier: str = "default"
    lacking: Mapping[str, str] = field(default_factory=dict)

    def candidates(self) -> list[str]:
        """Returns the chain's providers that can be asked at all."""
        return [p for p in self.chain.providers if self.providers[p].missing is None and p not in self.lacking]

    def unfit(self) -> list[tuple[str, str]]:
        """Returns the chain's other providers, each with the reason."""
        reasons = ((p, self._reason(p)) for p in self.chain.providers)
        return [(provider, reason) for provider, reason in reasons if reason]

    def _reason(self, provider: str) -> str | None:
        if missing := self.providers[provider].missing:
            return f"{NOT_CONFIGURED}: {missing}"
        lacks = self.lacking.get(provider)
        return f"{INCAPABLE}: {lacks}" if lacks else None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a completion stands.

    `index` is the first place to consider, `tries` counts the attempts per provider since the last fresh round,
    `spent` holds the providers without a try left, `closed` those that cannot take this request at all.
    """

    index: int = 0
    rounds: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    spent: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def rest(self, route: Route) -> list[str]:
        """Returns the providers that may still be asked in this round, in order."""
        ahead = route.chain.providers[self.index :]
        return [p for p in route.candidates() if p in ahead and p not in self.spent | self.closed]


@dataclass(frozen=True, slots=True)
class Onward:
    """What follows from a failure.

    `countdown` is the seconds to the same provider's retry, None for no retry; `rest` are those to ask instead.
    `limited` is the seconds for which the provider is to be left alone by everybody, 0 for none.
    """

    countdown: float | None
    rest: list[str]
    limited: float


@dataclass(frozen=True, slots=True)
class Round:
    """A new round: its mark, the seconds until it begins, and whether it `waits` until somebody admits."""

    mark: Mark
    delay: float
    waits: bool


def position(route: Route, lines: Sequence[Line]) -> Position:
    """Returns where the lines leave a completion; within a round it only moves forward."""
    now = Position()
    for line in lines:
        now = _after(now, route, line)
    return now


def after_failure(
    route: Route, lines: Sequence[Line], failed: AttemptFailed, left: float, draw: Draw = random.random
) -> Onward:
    """Returns what follows from the failure that the last line tells of, with `left` seconds to the deadline."""
    last = lines[-1]
    assert isinstance(last, Entry)  # noqa: S101 - the caller has just written it
    outcome, now, retry = Outcome(last.outcome), position(route, lines), route.chain.retry
    rule, rest = route.chain.rules[outcome], now.rest(route)
    delay = backoff(retry, now.tries[last.provider], failed.retry_after, draw)
    limited = 0.0
    if outcome == Outcome.RATE_LIMITED:
        delay = max(delay, 1.0)
        limited = failed.retry_after or delay
    elif outcome == Outcome.OVERLOADED:
        limited = failed.retry_after or 0.0
    fits = rule.again != "retry-after" or (failed.retry_after or delay) <= retry.max_wait
    others = [p for p in rest if p != last.provider] if rule.onward != "never" else []
    stays = last.provider in rest and fits and delay < left
    return Onward(delay if stays else None, others, limited)


def after_exhaustion(
    route: Route, lines: Sequence[Line], wait: float | None, draw: Draw = random.random
) -> Round | None:
    """Returns the new round that follows, None where the chain ends here.

    Args:
        route: chain, providers and tier.
        lines: the journal.
        wait: seconds until some provider of the rest admits, None where no time is known.
        draw: random numbers between 0 and 1.
    """
    now, chain = position(route, lines), route.chain
    pause = backoff(chain.retry, now.rounds + 1, None, draw)
    left, waits = set(route.candidates()) - now.closed, chain.when_exhausted == "wait"
    if chain.failover == "at-once" and left - now.spent:
        if _asked(lines):
            return Round(Mark(fresh=False), pause, waits=False)
        if wait is not None and wait <= chain.retry.max_wait:  # a Retry-After outlasted the pause between rounds
            return Round(Mark(fresh=False), wait, waits)
    if not (waits and left):
        return None
    if wait is None and _asked(lines):
        return Round(Mark(fresh=True), pause, waits=False)
    return Round(Mark(fresh=True), ASK_AGAIN if wait is None else wait, waits=True)


def _asked(lines: Sequence[Line]) -> bool:
    """Tells whether any provider was asked since the last mark."""
    for line in reversed(lines):
        if isinstance(line, Mark):
            return False
        if line.outcome != PASSED_OVER:
            return True
    return False


def _after(now: Position, route: Route, line: Line) -> Position:
    chain = route.chain
    if isinstance(line, Mark):
        fresh = Position(rounds=now.rounds + 1, closed=now.closed)
        return fresh if line.fresh else replace(fresh, tries=now.tries, spent=now.spent)
    if line.outcome == PASSED_OVER or line.provider not in chain.providers:
        return now
    outcome, place = Outcome(line.outcome), chain.providers.index(line.provider)
    rule, tries = chain.rules[outcome], now.tries + Counter([line.provider])
    spent = tries[line.provider] > _retries(rule, chain)
    stays = not spent and _stays(rule, chain)
    own = frozenset({line.provider} if outcome in _ABOUT_THE_REQUEST else ())
    return replace(
        now,
        index=max(now.index, place if stays else place + 1),  # a delivery that lost its lease may write late
        tries=tries,
        spent=now.spent | {line.provider} if spent else now.spent,
        closed=now.closed | _closed_by(outcome, line.provider, route) | (own if spent else frozenset()),
    )


def _retries(rule: Rule, chain: Chain) -> int:
    most = {"never": 0, "once": 1}.get(rule.again, chain.retry.max_retries)
    return min(most, chain.retry.max_retries)


def _stays(rule: Rule, chain: Chain) -> bool:
    """Tells whether a provider's retries come before the next provider; they are all there is where none follows."""
    if rule.onward == "never":
        return True
    at_once = rule.onward == "at-once" and rule.again != "retry-after"
    return chain.failover == "after-retries" and not at_once


def _closed_by(outcome: Outcome, provider: str, route: Route) -> frozenset[str]:
    """Returns the other providers that one provider's failure rules out."""
    asked, others = route.providers[provider], [p for p in route.chain.providers if p != provider]
    match route.chain.rules[outcome].onward:
        case "once-per-dialect":
            return frozenset(p for p in others if route.providers[p].dialect == asked.dialect)
        case "larger-window":
            window = asked.model(route.tier).context
            return frozenset(p for p in others if not _larger(route.providers[p], route.tier, window))
        case "never" if outcome != Outcome.CUT_SHORT:  # which says nothing of anybody, and ends the walk by itself
            return frozenset(others)
        case _:
            return frozenset()


def _larger(provider: Provider, tier: str, window: int | None) -> bool:
    other = provider.model(tier).context
    return other is None or (window is not None and other > window)
