"""The classes of outcome and what follows from each, as data.

The class of an outcome decides what happens, never a status code by itself.
"""

from enum import StrEnum
from typing import Literal

from config.frozen import Frozen


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
    `onward`: the next provider when the retries are spent, at once, only one with a larger window, once per
    dialect, or not at all. `breaker`: what the breaker is told.
    """

    again: Literal["backoff", "once", "retry-after", "never"]
    onward: Literal["after-retries", "at-once", "larger-window", "once-per-dialect", "never"]
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
