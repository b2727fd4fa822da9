"""The classes of outcome and what follows from each, as data.

The class of an outcome decides what happens, never a status code by itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from config.frozen import Frozen

Again = Literal["backoff", "once", "retry-after", "never"]
Onward = Literal["after-retries", "at-once", "larger-window", "once-per-dialect", "never"]


class Outcome(StrEnum):
    """What one attempt came to."""

    SUCCESS = "success"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate-limited"
    QUOTA_EXHAUSTED = "quota-exhausted"
    AUTHENTICATION = "authentication"
    MISCONFIGURED = "misconfigured"
    TOO_LARGE = "too-large"
    REFUSED = "refused"
    INVALID = "invalid"
    CUT_SHORT = "cut-short"


class Rule(Frozen):
    """What follows from an outcome.

    `again`: the same provider once more after a backoff, `once` only, or only if its Retry-After fits `max_wait`.
    `onward`: the next provider when the retries are spent, at once (a Retry-After that fits comes first), only one
    with a larger window, once per dialect, or not at all. `breaker`: what the breaker is told.
    """

    again: Again
    onward: Onward
    breaker: Literal["success", "failure", "rate-limited", "quota", "authentication", "ignored"]


RULES: dict[Outcome, Rule] = {
    Outcome.SUCCESS: Rule(again="never", onward="never", breaker="success"),
    Outcome.TRANSIENT: Rule(again="backoff", onward="after-retries", breaker="failure"),
    Outcome.TIMEOUT: Rule(again="once", onward="after-retries", breaker="failure"),
    Outcome.OVERLOADED: Rule(again="backoff", onward="after-retries", breaker="failure"),
    Outcome.RATE_LIMITED: Rule(again="retry-after", onward="at-once", breaker="rate-limited"),
    Outcome.QUOTA_EXHAUSTED: Rule(again="never", onward="at-once", breaker="quota"),
    Outcome.AUTHENTICATION: Rule(again="never", onward="at-once", breaker="authentication"),
    Outcome.MISCONFIGURED: Rule(again="never", onward="at-once", breaker="ignored"),
    Outcome.TOO_LARGE: Rule(again="never", onward="larger-window", breaker="ignored"),
    Outcome.REFUSED: Rule(again="never", onward="never", breaker="ignored"),
    Outcome.INVALID: Rule(again="never", onward="once-per-dialect", breaker="ignored"),
    Outcome.CUT_SHORT: Rule(again="never", onward="never", breaker="ignored"),
}


class Override(Frozen):
    """What a chain changes in a rule. The breaker is every chain's, so what it is told is no chain's to change."""

    again: Again | None = None
    onward: Onward | None = None


def _words(value: Any) -> Any:
    # A variable's name has no hyphen.
    return value.replace("_", "-") if isinstance(value, str) else value


def _check_failure(outcome: Outcome) -> Outcome:
    if outcome in (Outcome.SUCCESS, Outcome.CUT_SHORT):
        raise ValueError("nothing follows from it that a chain could change")
    return outcome


Failure = Annotated[Outcome, BeforeValidator(_words), AfterValidator(_check_failure)]
"""An outcome whose rule a chain may override."""


def overridden(overrides: Mapping[Outcome, Override]) -> dict[Outcome, Rule]:
    """Returns the rules with those overrides.

    Raises:
        ValueError: an `again` would never happen.
    """
    changes = {outcome: override.model_dump(exclude_none=True) for outcome, override in overrides.items()}
    rules = {outcome: rule.model_copy(update=changes.get(outcome)) for outcome, rule in RULES.items()}
    for outcome, change in changes.items():
        if change.get("again", "never") != "never" and (reason := _prevented(rules[outcome])):
            raise ValueError(f"{outcome}.again: would never happen, {reason}")
    return rules


def _prevented(rule: Rule) -> str | None:
    if rule.breaker in ("quota", "authentication"):
        return "as the breaker shuts the provider out"
    if rule.onward == "at-once" and rule.again != "retry-after":
        return "as onward is at-once; set that too"
    return None
