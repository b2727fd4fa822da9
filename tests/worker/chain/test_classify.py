import re
from collections import Counter

import pytest

from config.failures import ROWS
from config.outcomes import Outcome
from worker.chain.classify import Class, classify
from worker.errors import AttemptFailed


def status(number: int, *codes: str, detail: str = "") -> AttemptFailed:
    return AttemptFailed("status", detail, status=number, codes=codes)


def stream(*codes: str, detail: str = "") -> AttemptFailed:
    return AttemptFailed("stream_error", detail, codes=codes)


TABLE = [
    # Anthropic
    (status(400, "invalid_request_error"), Outcome.INVALID),
    (status(400, "invalid_request_error", detail="Your credit balance is too low"), Outcome.QUOTA_EXHAUSTED),
    (status(400, "invalid_request_error", detail="prompt is too long: 9 tokens > 8 maximum"), Outcome.TOO_LARGE),
    (
        status(400, "invalid_request_error", detail="Output blocked by content filtering policy"),
        Outcome.REFUSED,
    ),
    (status(401, "authentication_error"), Outcome.AUTHENTICATION),
    (status(402, "billing_error"), Outcome.QUOTA_EXHAUSTED),
    (status(403, "permission_error"), Outcome.MISCONFIGURED),
    (status(404, "not_found_error"), Outcome.MISCONFIGURED),
    (status(409, "conflict_error"), Outcome.TRANSIENT),
    (status(413, "request_too_large"), Outcome.TOO_LARGE),
    (status(429, "rate_limit_error"), Outcome.RATE_LIMITED),
    (status(429, "ramp_limit_exceeded", "rate_limit_error"), Outcome.RATE_LIMITED),
    (status(429, "enforced_spend_limit_reached", "rate_limit_error"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "contract_spend_limit_reached", "rate_limit_error"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "linked_organization_spend_limit_reached", "rate_limit_error"), Outcome.QUOTA_EXHAUSTED),
    (status(500, "api_error"), Outcome.TRANSIENT),
    (status(504, "timeout_error"), Outcome.TRANSIENT),
    (status(529, "overloaded_error"), Outcome.OVERLOADED),
    # OpenAI
    (status(400, "context_length_exceeded", "invalid_request_error"), Outcome.TOO_LARGE),
    (status(400, "content_policy_violation", "invalid_request_error"), Outcome.REFUSED),
    (status(400, "content_filter"), Outcome.REFUSED),
    (status(400, "invalid_prompt", "invalid_request_error"), Outcome.REFUSED),
    (status(422, "invalid_request_error"), Outcome.INVALID),
    (status(401, "invalid_request_error"), Outcome.AUTHENTICATION),
    (status(401, "invalid_api_key", "invalid_request_error"), Outcome.AUTHENTICATION),
    (status(403, "unsupported_country_region_territory", "request_forbidden"), Outcome.MISCONFIGURED),
    (status(404, "model_not_found", "invalid_request_error"), Outcome.MISCONFIGURED),
    (status(429, "rate_limit_exceeded", "tokens"), Outcome.RATE_LIMITED),
    (status(429, "slow_down"), Outcome.RATE_LIMITED),
    (status(429, "insufficient_quota"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "credit_balance_exhausted", "insufficient_quota"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "organization_spend_limit_exceeded"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "project_spend_limit_exceeded"), Outcome.QUOTA_EXHAUSTED),
    (status(429, "organization_usage_limit_exceeded"), Outcome.QUOTA_EXHAUSTED),
    (status(500, "server_error"), Outcome.TRANSIENT),
    (status(502), Outcome.TRANSIENT),
    (status(503, "server_error"), Outcome.OVERLOADED),
    # llama.cpp and other servers
    (status(400, "exceed_context_size_error"), Outcome.TOO_LARGE),
    (status(400, "BadRequestError", detail="This model's maximum context length is 8 tokens"), Outcome.TOO_LARGE),
    (status(400, "invalid_request_error", detail="temperature"), Outcome.INVALID),
    (status(501, "not_supported_error"), Outcome.MISCONFIGURED),
    (status(503, "unavailable_error"), Outcome.OVERLOADED),
    # no code that is known
    (status(307), Outcome.MISCONFIGURED),
    (status(402), Outcome.QUOTA_EXHAUSTED),
    (status(408), Outcome.TRANSIENT),
    (status(418), Outcome.MISCONFIGURED),
    (status(400), Outcome.INVALID),
    (status(429), Outcome.RATE_LIMITED),
    (status(520), Outcome.TRANSIENT),
    # the same inside a 200
    (stream("overloaded_error"), Outcome.OVERLOADED),
    (stream("rate_limit_error"), Outcome.RATE_LIMITED),
    (stream("authentication_error"), Outcome.AUTHENTICATION),
    (stream("api_error"), Outcome.TRANSIENT),
    (stream("invalid_request_error"), Outcome.INVALID),
    (stream("invalid_request_error", detail="prompt is too long"), Outcome.TOO_LARGE),
    (stream("server_error"), Outcome.TRANSIENT),
    (stream(), Outcome.TRANSIENT),
    # no response
    (AttemptFailed("connect_timeout"), Outcome.TIMEOUT),
    (AttemptFailed("first_token_timeout"), Outcome.TIMEOUT),
    (AttemptFailed("idle_timeout"), Outcome.TIMEOUT),
    (AttemptFailed("attempt_timeout"), Outcome.TIMEOUT),
    (AttemptFailed("connection"), Outcome.TRANSIENT),
    (AttemptFailed("connection", codes=("invalid_api_key",)), Outcome.AUTHENTICATION),
    (AttemptFailed("truncated"), Outcome.TRANSIENT),
    (AttemptFailed("malformed"), Outcome.TRANSIENT),
    (AttemptFailed("empty"), Outcome.EMPTY),
    (AttemptFailed("broken_call"), Outcome.NONCONFORMING),
    (AttemptFailed("wrong_form", "a.b: breaks type"), Outcome.NONCONFORMING),
    (AttemptFailed("aborted", codes=("upstream_error",)), Outcome.TRANSIENT),
    (AttemptFailed("aborted", codes=("insufficient_system_resource",)), Outcome.OVERLOADED),
    (AttemptFailed("refusal", codes=("cyber",)), Outcome.REFUSED),
    (AttemptFailed("deadline"), Outcome.CUT_SHORT),
    (AttemptFailed("revoked"), Outcome.CUT_SHORT),
    (AttemptFailed("shutdown"), Outcome.CUT_SHORT),
]


@pytest.mark.parametrize(("failed", "outcome"), TABLE, ids=lambda value: str(getattr(value, "args", value)))
def test_a_failure_is_classified_as(failed: AttemptFailed, outcome: Outcome) -> None:
    assert classify(failed, {}).outcome == outcome


def test_every_reason_that_an_attempt_fails_for_has_a_class() -> None:
    listed = set(re.findall("`([a-z_]+)`", (AttemptFailed.__doc__ or "").partition("codes:")[0])) - {"status"}
    assert listed == {row.reason for row in ROWS["reason"]}


@pytest.mark.parametrize(
    ("evidence", "failed"),
    [
        ("Gone_Fishing", status(400, "gone_fishing")),
        ("the quota pool is dry", status(500, detail="Sorry: the Quota Pool is dry (17).")),
        ("418", status(418)),
        ("context_length_exceeded", status(400, "context_length_exceeded")),
    ],
)
def test_a_provider_s_own_row_comes_first(evidence: str, failed: AttemptFailed) -> None:
    assert classify(failed, {evidence: Outcome.QUOTA_EXHAUSTED}) == Class(Outcome.QUOTA_EXHAUSTED)


def test_no_row_is_hidden_by_an_earlier_one_of_the_same_evidence() -> None:
    rows = [row for step in ROWS.values() for row in step]
    found = Counter((row.code, row.phrase, row.status, row.reason) for row in rows)
    assert [evidence for evidence, times in found.items() if times > 1] == []


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (status(418, detail="no"), Outcome.OVERLOADED),
        (stream("418", detail="no"), Outcome.OVERLOADED),
        (status(500, detail="request 418 failed"), Outcome.TRANSIENT),
    ],
)
def test_digits_of_a_providers_own_rows_are_a_status_or_a_code_and_no_part_of_a_message(
    failed: AttemptFailed, expected: Outcome
) -> None:
    assert classify(failed, {"418": Outcome.OVERLOADED}).outcome == expected
