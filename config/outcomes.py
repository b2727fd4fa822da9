"""The classes of outcome and the rule for each, as data.

The class of an outcome decides what happens next; a status code alone never does.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from config.frozen import Frozen

SameProvider = Literal["backoff", "once", "retry-after", "never"]
NextProvider = Literal["after-retries", "at-once", "larger-window", "once-per-host-and-model", "never"]


class Outcome(StrEnum):
    """The class of one attempt's outcome."""

    SUCCESS = "success"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    SHARE_SPENT = "share-spent"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate-limited"
    QUOTA_EXHAUSTED = "quota-exhausted"
    AUTHENTICATION = "authentication"
    MISCONFIGURED = "misconfigured"
    TOO_LARGE = "too-large"
    REFUSED = "refused"
    INVALID = "invalid"
    EMPTY = "empty"
    NONCONFORMING = "nonconforming"
    CUT_SHORT = "cut-short"


class Rule(Frozen):
    """What happens after an outcome.

    | field | meaning |
    |---|---|
    | `same_provider` | retry: after a backoff, `once`, if Retry-After is at most `max_retry_after`, or never |
    | `next_provider` | failover: after the retries, at once, to a larger window, once per host and model, or never |
    | `breaker` | what the breaker records |

    1. With `at-once` the same provider is asked again where no other is left. `retry-after` retries before that.
    2. A Retry-After longer than `max_retry_after` goes on to the next provider at once, whatever the class.
    """

    same_provider: SameProvider
    next_provider: NextProvider
    breaker: Literal["success", "failure", "rate-limited", "quota", "authentication", "ignored"]


RULES: dict[Outcome, Rule] = {
    Outcome.SUCCESS: Rule(same_provider="never", next_provider="never", breaker="success"),
    Outcome.TRANSIENT: Rule(same_provider="backoff", next_provider="after-retries", breaker="failure"),
    Outcome.TIMEOUT: Rule(same_provider="once", next_provider="at-once", breaker="failure"),
    Outcome.SHARE_SPENT: Rule(same_provider="never", next_provider="at-once", breaker="failure"),
    Outcome.OVERLOADED: Rule(same_provider="backoff", next_provider="after-retries", breaker="failure"),
    Outcome.RATE_LIMITED: Rule(same_provider="retry-after", next_provider="at-once", breaker="rate-limited"),
    Outcome.QUOTA_EXHAUSTED: Rule(same_provider="never", next_provider="at-once", breaker="quota"),
    Outcome.AUTHENTICATION: Rule(same_provider="never", next_provider="at-once", breaker="authentication"),
    Outcome.MISCONFIGURED: Rule(same_provider="never", next_provider="at-once", breaker="ignored"),
    Outcome.TOO_LARGE: Rule(same_provider="never", next_provider="larger-window", breaker="ignored"),
    Outcome.REFUSED: Rule(same_provider="never", next_provider="never", breaker="ignored"),
    Outcome.INVALID: Rule(same_provider="never", next_provider="once-per-host-and-model", breaker="ignored"),
    Outcome.EMPTY: Rule(same_provider="once", next_provider="after-retries", breaker="ignored"),
    Outcome.NONCONFORMING: Rule(same_provider="once", next_provider="after-retries", breaker="ignored"),
    Outcome.CUT_SHORT: Rule(same_provider="never", next_provider="never", breaker="ignored"),
}


class Override(Frozen):
    """A chain's changes to a rule. All chains share the breaker, so no chain may change what it records."""

    same_provider: SameProvider | None = None
    next_provider: NextProvider | None = None


def _with_hyphens(value: Any) -> Any:
    # The name of an environment variable has no hyphen.
    return value.replace("_", "-") if isinstance(value, str) else value


def _check_failure(outcome: Outcome) -> Outcome:
    if outcome in (Outcome.SUCCESS, Outcome.SHARE_SPENT, Outcome.CUT_SHORT):
        raise ValueError("nothing follows from it that a chain could change")
    return outcome


Failure = Annotated[Outcome, BeforeValidator(_with_hyphens), AfterValidator(_check_failure)]
"""An outcome whose rule a chain may override."""


def overridden(overrides: Mapping[Outcome, Override]) -> dict[Outcome, Rule]:
    """Returns the rules with these overrides.

    Raises:
        ValueError: a `same_provider` would have no effect.
    """
    changes = {outcome: override.model_dump(exclude_none=True) for outcome, override in overrides.items()}
    rules = {outcome: rule.model_copy(update=changes.get(outcome)) for outcome, rule in RULES.items()}
    for outcome, change in changes.items():
        if change.get("same_provider", "never") != "never" and rules[outcome].breaker in ("quota", "authentication"):
            raise ValueError(f"{outcome}.same_provider: would never happen, as the breaker shuts the provider out")
    return rules
