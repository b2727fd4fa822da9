"""What a response's headers say remains of the vendor's rate limits."""

import pytest

from worker.providers.http.retry_after import LONGEST, MOST, parse_remaining
from worker.providers.remaining import RateLimit, Remaining

CASES: list[tuple[dict[str, str], dict[str, RateLimit]]] = [
    ({"content-type": "application/json"}, {}),
    (
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        {"requests": RateLimit(59, 60), "tokens": RateLimit(149_984, None)},
    ),
    (
        {"anthropic-ratelimit-input-tokens-limit": "50000", "anthropic-ratelimit-input-tokens-remaining": "0"},
        {"input-tokens": RateLimit(0, 50_000)},
    ),
    ({"x-ratelimit-remaining": "3", "x-ratelimit-limit": "10"}, {"requests": RateLimit(3, 10)}),
    ({"x-ratelimit-remaining-requests": "plenty"}, {}),
]


@pytest.mark.parametrize(("headers", "limits"), CASES)
def test_each_vendor_s_headers_are_read(headers: dict[str, str], limits: dict[str, RateLimit]) -> None:
    assert parse_remaining(headers) == limits


def test_a_vendor_with_endless_headers_fills_no_memory() -> None:
    found = parse_remaining({f"x-ratelimit-remaining-{i}{'x' * 500}": "1" for i in range(100)})
    assert len(found) == MOST
    assert max(map(len, found)) == LONGEST


def test_the_last_word_of_a_vendor_counts_and_is_taken_once() -> None:
    remaining = Remaining()
    remaining.note("claude", {"requests": RateLimit(2, 10)})
    remaining.note("claude", {"requests": RateLimit(1, 10)})
    remaining.note("claude", {})
    assert [(name, told.limits) for name, told in remaining.take().items()] == [
        ("claude", {"requests": RateLimit(1, 10)})
    ]
    assert remaining.take() == {}
