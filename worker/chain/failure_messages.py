"""Writes the one message of a completion that failed for good: which class of error, and what each provider said."""

from collections.abc import Iterable

from config.chains import Chain
from config.outcomes import Outcome
from config.providers import DISABLED
from worker.admission.decision import BUDGET, RETRY_BUDGET
from worker.chain.route import INCAPABLE, NOT_CONFIGURED
from worker.errors import (
    BudgetExceeded,
    ChainExhausted,
    ContentRefused,
    DeadlineExceeded,
    InvalidRequest,
    PoisonRequest,
    TaskFailed,
)
from worker.task.journal import SKIPPED, Entry, Line, entries


def exhausted_error(chain: Chain, lines: Iterable[Line]) -> TaskFailed:
    """Returns the failure of a completion without a remaining provider.

    1. `ContentRefused` if any provider refused the content.
    2. `InvalidRequest` if every provider asked refused the request as invalid, or no configured provider can take it.
    3. `BudgetExceeded` if a budget refused a provider when it was last considered.
    4. `ChainExhausted` otherwise.
    """
    considered = entries(lines)
    if any(e.outcome == Outcome.REFUSED for e in considered):
        return ContentRefused(_summary(considered))
    asked = [e for e in considered if e.outcome != SKIPPED]
    if asked and all(e.outcome == Outcome.INVALID for e in asked):
        return InvalidRequest(f"refused as invalid by {_summary(asked)}")
    if not asked and _all_incapable(considered):
        return InvalidRequest(f"no provider of chain {chain.name!r} can take it: {_summary(considered)}")
    last = {entry.provider: entry for entry in considered}
    if any(e.outcome == SKIPPED and (e.reason or "").startswith(BUDGET) for e in last.values()):
        return BudgetExceeded(f"over a budget on chain {chain.name!r}: {_summary(considered)}")
    return ChainExhausted(f"chain {chain.name!r} is exhausted: {_summary(considered)}")


def _all_incapable(considered: Iterable[Entry]) -> bool:
    """Returns whether every configured provider is incapable of the request, so that waiting cannot help."""
    reasons = [str(entry.reason).partition(":")[0] for entry in considered]
    return INCAPABLE in reasons and set(reasons) <= {INCAPABLE, NOT_CONFIGURED, DISABLED}


def deadline_error(chain: Chain, lines: Iterable[Line]) -> TaskFailed:
    """Returns the failure of a completion whose deadline passed."""
    considered = entries(lines)
    asked = any(entry.outcome != SKIPPED for entry in considered)
    parts = filter(None, ("" if asked else "no provider was asked yet", _summary(considered)))
    return DeadlineExceeded(f"the deadline passed on chain {chain.name!r}: {'; '.join(parts)}")


def crashes_error(crashes: int, considered: Iterable[Entry]) -> TaskFailed:
    """Returns the failure of a completion that crashed too many workers."""
    return PoisonRequest(f"{crashes} workers died with it in hand: {_summary(considered) or 'no provider was asked'}")


def _summary(considered: Iterable[Entry]) -> str:
    """Returns the last entry of each provider in a few words, with the number of its attempts.

    That a retry was postponed is no reason of a failure: what the provider said is.
    """
    last: dict[str, Entry] = {}
    attempts: dict[str, int] = {}
    for entry in considered:
        if entry.reason != RETRY_BUDGET:
            last[entry.provider] = entry
        attempts[entry.provider] = attempts.get(entry.provider, 0) + (entry.outcome != SKIPPED)
    return "; ".join(_in_words(e) + (f" ({attempts[p]} attempts)" if attempts[p] > 1 else "") for p, e in last.items())


def _in_words(entry: Entry) -> str:
    if entry.outcome == SKIPPED:
        return f"{entry.provider}: skipped, {entry.reason}"
    status = f" {entry.status}" if entry.status else ""
    return f"{entry.provider}: {entry.outcome}{status}" + (f", {entry.reason}" if entry.reason else "")
