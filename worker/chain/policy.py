"""Decides what follows from a failure, and from a round of the chain in which nobody answered."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf

from config.chains import Retry
from config.outcomes import RULES, Outcome
from worker.admission.decision import BUDGET, LIMIT
from worker.chain.backoff import delay as backoff
from worker.chain.position import position
from worker.chain.route import Route
from worker.errors import AttemptFailed
from worker.task.journal import SKIPPED, Entry, Line, RoundStart, entries

LONGEST_POSTPONED = 15.0
"""Most seconds that a completion backs off from a retry budget that others use up whenever it has room."""

UNKNOWN_WAIT = 1.0
"""Estimated seconds of a wait whose end is not known, such as until a key is replaced."""

Draw = Callable[[], float]


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
    """A new round.

    Attributes:
        start: its line of the journal; None where it is no different from the round before.
        delay: seconds until it starts.
        parks: whether it waits for a provider to admit.
        limited: the providers to wait for, where a limit stands against one of them; the time known for that is only
            an estimate.
    """

    start: RoundStart | None
    delay: float
    parks: bool = False
    limited: tuple[str, ...] = ()


def after_failure(
    route: Route, lines: Sequence[Line], failed: AttemptFailed, left: float, draw: Draw = random.random
) -> FailureStep:
    """Returns what follows from the failure in the last line, with `left` seconds to the deadline."""
    last = lines[-1]
    assert isinstance(last, Entry)  # noqa: S101 - the caller has just written it
    outcome, now, retry = Outcome(last.outcome), position(route, lines), route.retry(last.provider)
    rule, remaining, retry_after = route.chain.rules[outcome], now.remaining(route), failed.retry_after
    delay = backoff(retry, now.tries[last.provider], retry_after, draw)
    if outcome == Outcome.RATE_LIMITED:
        delay = max(delay, 1.0)
    wait = retry_after or (delay if rule.same_provider == "retry-after" else 0.0)
    may_stay = rule.same_provider != "never" and last.provider in remaining
    stays = may_stay and wait <= retry.max_retry_after and delay < left
    others = [p for p in remaining if p != last.provider] if rule.next_provider != "never" else []
    return FailureStep(delay if stays else None, others, _limited(outcome, retry_after, delay, retry))


def _limited(outcome: Outcome, retry_after: float | None, delay: float, retry: Retry) -> float:
    """Returns the seconds for which the whole fleet leaves a provider alone."""
    if outcome == Outcome.RATE_LIMITED:
        return retry_after or delay
    shared = outcome == Outcome.OVERLOADED or (retry_after or 0.0) > retry.max_retry_after
    return retry_after or 0.0 if shared and RULES[outcome].breaker == "failure" else 0.0


def after_exhaustion(
    route: Route,
    lines: Sequence[Line],
    admissions: Mapping[str, float | None],
    postponed: Mapping[str, float],
    draw: Draw = random.random,
) -> Round | None:
    """Returns the new round that follows, None if the chain ends here.

    1. The providers with a retry left are asked again, if one of them admits within `max_retry_after`: after a backoff
       if any was asked in this round, and not before one admits. Where only the retry budget stands against them, they
       wait until that has room, and up to half as long again, as others wait for it too. Each time that others were
       first they back off further, up to `LONGEST_POSTPONED`: many that wait would else all wake for each retry.
    2. A provider with a retry left that only a limit stands against is waited for, whatever `when_exhausted` says, and
       rather than the retry budget of another.
    3. With `when_exhausted = "wait"`, all providers that can take the request are asked again with fresh retries, as
       soon as one admits.

    Args:
        route: chain, providers and tier.
        lines: the journal.
        admissions: seconds until each provider admits that can take the request, 0 for now, None where it is not known.
        postponed: seconds until the retry budget of a provider has room, of those that have none.
        draw: returns random numbers between 0 and 1.
    """
    now, chain, asked = position(route, lines), route.chain, _any_asked(lines)
    pause = backoff(chain.retry, now.rounds + 1, None, draw) if asked else 0.0
    may_park = chain.when_exhausted == "wait"
    with_retry = affordable(now.with_retry(route), lines)
    waiting = list(admissions) if may_park else with_retry
    limited = {p: admissions[p] for p in waiting if _is_refused(p, LIMIT, lines)}
    waits = {p: wait for p in with_retry if p not in limited and (wait := admissions[p]) is not None}
    soon = {p: wait for p, wait in waits.items() if wait <= route.retry(p).max_retry_after}
    earliest = min(soon.values(), default=inf)
    due = min((max(wait, postponed.get(p, 0.0)) for p, wait in soon.items()), default=inf)
    if due > earliest and not limited:
        contended = min(backoff(chain.retry, _postponed_rounds(lines) + 1, None, draw), LONGEST_POSTPONED)
        return Round(RoundStart(fresh=False), max(pause, contended, due * (1 + draw() / 2)))
    if soon and due == earliest:
        return Round(RoundStart(fresh=False), max(pause, earliest), parks=may_park and not asked)
    later = _earliest(wait for p, wait in admissions.items() if p not in limited)
    if may_park and later == 0.0 and not soon:
        return Round(RoundStart(fresh=True), pause)
    if limited:  # the breaker of what is postponed would release it at once
        start, until = RoundStart(fresh=False) if asked else None, tuple(p for p in waiting if p not in postponed)
        return Round(start, _earliest(limited.values()) or 0.0, parks=True, limited=until)
    if not (may_park and admissions):
        return None
    return Round(RoundStart(fresh=True), UNKNOWN_WAIT if later is None else later, parks=True)


def affordable(providers: Iterable[str], lines: Sequence[Line]) -> list[str]:
    """Returns the providers that no budget refused when they were last considered."""
    return [provider for provider in providers if not _is_refused(provider, BUDGET, lines)]


def _is_refused(provider: str, reason: str, lines: Sequence[Line]) -> bool:
    """Returns whether a provider was skipped when it was last considered, for a reason that begins so."""
    last = next((e for e in reversed(entries(lines)) if e.provider == provider), None)
    return last is not None and last.outcome == SKIPPED and (last.reason or "").startswith(reason)


def _earliest(waits: Iterable[float | None]) -> float | None:
    return min((wait for wait in waits if wait is not None), default=None)


def _postponed_rounds(lines: Sequence[Line]) -> int:
    """Returns how many rounds were started since a provider was asked last."""
    unasked = takewhile(lambda line: isinstance(line, RoundStart) or line.outcome == SKIPPED, reversed(lines))
    return sum(isinstance(line, RoundStart) for line in unasked)


def _any_asked(lines: Sequence[Line]) -> bool:
    """Returns whether any provider was asked in this round."""
    for line in reversed(lines):
        if isinstance(line, RoundStart):
            return False
        if line.outcome != SKIPPED:
            return True
    return False
