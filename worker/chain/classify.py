"""Classifies a failed attempt, by tables."""

import re

from config.outcomes import Outcome
from worker.errors import AttemptFailed

CODES: dict[str, Outcome] = {
    # No money or quota left: waiting does not help, although the status is often 429.
    "billing_error": Outcome.QUOTA_EXHAUSTED,
    "insufficient_quota": Outcome.QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": Outcome.QUOTA_EXHAUSTED,
    "credit_balance_exhausted": Outcome.QUOTA_EXHAUSTED,
    "organization_spend_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "project_spend_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "organization_usage_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "enforced_spend_limit_reached": Outcome.QUOTA_EXHAUSTED,
    "contract_spend_limit_reached": Outcome.QUOTA_EXHAUSTED,
    "linked_organization_spend_limit_reached": Outcome.QUOTA_EXHAUSTED,
    # Too many requests or tokens per minute.
    "rate_limit_error": Outcome.RATE_LIMITED,
    "rate_limit_exceeded": Outcome.RATE_LIMITED,
    "ramp_limit_exceeded": Outcome.RATE_LIMITED,
    "slow_down": Outcome.RATE_LIMITED,
    # The request does not fit: a 400 at most providers. Another provider may have a larger window.
    "context_length_exceeded": Outcome.TOO_LARGE,
    "exceed_context_size_error": Outcome.TOO_LARGE,
    "request_too_large": Outcome.TOO_LARGE,
    # The content is refused, also with a 400.
    "content_policy_violation": Outcome.REFUSED,
    "content_filter": Outcome.REFUSED,
    "invalid_prompt": Outcome.REFUSED,
    "authentication_error": Outcome.AUTHENTICATION,
    "invalid_api_key": Outcome.AUTHENTICATION,
    "permission_error": Outcome.MISCONFIGURED,
    "not_found_error": Outcome.MISCONFIGURED,
    "model_not_found": Outcome.MISCONFIGURED,
    "not_supported_error": Outcome.MISCONFIGURED,
    "overloaded_error": Outcome.OVERLOADED,
    "unavailable_error": Outcome.OVERLOADED,
    "timeout_error": Outcome.TRANSIENT,
    "conflict_error": Outcome.TRANSIENT,
}
"""Codes and types that are more specific than the status. The first of a failure's codes found here decides."""

PHRASES: tuple[tuple[re.Pattern[str], Outcome], ...] = (
    (re.compile("credit balance|spend limit|spending limit", re.I), Outcome.QUOTA_EXHAUSTED),
    (re.compile("prompt is too long|maximum context length|context window", re.I), Outcome.TOO_LARGE),
    (re.compile("blocked by content filter", re.I), Outcome.REFUSED),
)
"""Messages of a 400 whose code is too general: Anthropic's credit, context and filter, other providers' context."""

STATUSES: dict[int, Outcome] = {
    401: Outcome.AUTHENTICATION,
    402: Outcome.QUOTA_EXHAUSTED,
    403: Outcome.MISCONFIGURED,
    404: Outcome.MISCONFIGURED,
    405: Outcome.MISCONFIGURED,
    408: Outcome.TRANSIENT,
    409: Outcome.TRANSIENT,
    410: Outcome.MISCONFIGURED,
    413: Outcome.TOO_LARGE,
    425: Outcome.TRANSIENT,
    429: Outcome.RATE_LIMITED,
    501: Outcome.MISCONFIGURED,
    503: Outcome.OVERLOADED,
    529: Outcome.OVERLOADED,
}

HUNDREDS: dict[int, Outcome] = {
    3: Outcome.MISCONFIGURED,  # redirects are not followed: the base URL is wrong
    4: Outcome.INVALID,
    5: Outcome.TRANSIENT,
}
"""The class of every other status, by its first digit."""

TYPES: dict[str, Outcome] = {
    "invalid_request_error": Outcome.INVALID,
    "api_error": Outcome.TRANSIENT,
    "server_error": Outcome.TRANSIENT,
}
"""Types more general than the status (OpenAI's 401 is an `invalid_request_error`). They decide in a stream."""

REASONS: dict[str, Outcome] = {
    "connect_timeout": Outcome.TIMEOUT,
    "first_token_timeout": Outcome.TIMEOUT,
    "idle_timeout": Outcome.TIMEOUT,
    "attempt_timeout": Outcome.TIMEOUT,
    "connection": Outcome.TRANSIENT,
    "truncated": Outcome.TRANSIENT,
    "malformed": Outcome.TRANSIENT,
    "stream_error": Outcome.TRANSIENT,
    "empty": Outcome.TRANSIENT,
    "refusal": Outcome.REFUSED,
    "deadline": Outcome.CUT_SHORT,
    "revoked": Outcome.CUT_SHORT,
}


def classify(failed: AttemptFailed) -> Outcome:
    """Returns the class of a failed attempt.

    The first of these that is in a table decides: codes, message, status, type, reason.
    """
    return _by_code(failed, CODES) or _by_phrase(failed) or _by_status(failed.status) or _by_type_or_reason(failed)


def _by_code(failed: AttemptFailed, codes: dict[str, Outcome]) -> Outcome | None:
    return next((codes[code] for code in failed.codes if code in codes), None)


def _by_phrase(failed: AttemptFailed) -> Outcome | None:
    if failed.status not in (400, None):
        return None
    return next((outcome for phrase, outcome in PHRASES if phrase.search(failed.detail)), None)


def _by_status(status: int | None) -> Outcome | None:
    return None if status is None else STATUSES.get(status) or HUNDREDS.get(status // 100)


def _by_type_or_reason(failed: AttemptFailed) -> Outcome:
    return _by_code(failed, TYPES) or REASONS.get(failed.reason, Outcome.TRANSIENT)
