"""What an answer costs: by the library's own calculation, by the configuration, by what the vendor told."""

from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import extract_usage
from genai_prices.data_snapshot import get_snapshot

from config.providers import Model, Provider
from tests.worker.pricing.bills import VENDORS, Bill, drawn
from worker.pricing.cost import cost
from worker.result import Usage

AT = 1.795e9
MILLION = 1_000_000


def by_the_library(bill: Bill) -> float:
    """Its own reading of the answer, and its own price."""
    vendor = bill.vendor
    read = extract_usage(bill.answer, provider_api_url=vendor.base_url, api_flavor=vendor.flavor)
    return float(read.calc_price(genai_request_timestamp=datetime.fromtimestamp(bill.at, UTC)).total_price)


def test_200_answers_of_ten_models_cost_what_the_library_calculates_to_a_millionth_of_a_dollar() -> None:
    bills = list(drawn(200))
    assert len({bill.vendor for bill in bills}) == len(VENDORS) == 10
    for bill in bills:
        ours = cost(bill.vendor.provider, bill.vendor.provider.model("default"), bill.usage, bill.at)
        assert ours == pytest.approx(by_the_library(bill), rel=0, abs=0.5e-6), bill


@pytest.mark.parametrize(("tier", "times"), [("default", 1.0), ("flex", 0.5), ("priority", 2.0), ("of-tomorrow", 1.0)])
def test_the_speed_that_was_bought_has_its_price(tier: str, times: float) -> None:
    usual, bought = (priced(Usage(1000, 100, 500, tier=told), "gpt-5") for told in (None, tier))
    assert usual
    assert bought == pytest.approx(times * usual)


def test_a_part_that_is_told_as_larger_than_its_whole_costs_no_more_than_the_whole() -> None:
    assert priced(Usage(1000, 100, 5000, 700), "gpt-4o") == priced(Usage(1000, 100, 1000, 100), "gpt-4o")
    assert priced(Usage(10, 1, cache_write=99, cache_write_1h=999), "gpt-4o") == priced(Usage(10, 1), "gpt-4o")


def test_what_nobody_knows_has_no_price() -> None:
    assert priced(Usage(1000, 100), "no-such-model") is None
    assert priced(None, "gpt-4o") is None
    assert priced(Usage(1000, 100), "gpt-4o", base_url="https://llm.example.com/v1") is None
    assert priced(Usage(1000, 100), "gpt-4o", input_usd=1.0) is None
    assert priced(Usage(1000, 100), "whisper-1") is None  # it is listed, without a price for text


def test_a_vendor_that_asks_for_each_request_is_paid_for_it() -> None:
    told = get_snapshot().find_provider_model("sonar", None, "perplexity", None)[1].prices
    dollars = float(told.requests_kcount) / 1000  # type: ignore[union-attr, arg-type]  # of a model with one price
    one, two = (priced(Usage(n, n), "sonar", base_url="https://api.perplexity.ai") for n in (1000, 2000))
    assert one is not None
    assert two is not None
    assert 2 * one - two == pytest.approx(dollars)


def priced(
    usage: Usage | None, model: str, *, base_url: str = "https://api.openai.com/v1", dialect: str = "openai", **usd: Any
) -> float | None:
    found = Provider.model_validate(
        {"name": "p", "dialect": dialect, "base_url": base_url, "models": {"default": Model(name=model, **usd)}}
    )
    return cost(found, found.model("default"), usage, AT)


USAGE = Usage(1000, 100, 200, 50, 300, 100)
"""500 of the prompt are neither read from a cache nor written to one, 200 are written for five minutes."""


@pytest.mark.parametrize(
    ("case", "prices", "expected"),
    [
        # Anthropic's proportions: 0.1, 1.25, 2.
        ({"dialect": "anthropic", "model": "of-ours"}, {}, 500 + 20 + 250 + 200),
        # Sonnet 5.5 reads for 0.05.
        (
            {"dialect": "anthropic", "model": "claude-sonnet-5-5", "base_url": "https://api.anthropic.com"},
            {},
            500 + 10 + 250 + 200,
        ),
        (
            {"dialect": "anthropic", "model": "of-ours"},
            {"cached_usd": 0.5, "cache_write_usd": 1.0},
            500 + 100 + 200 + 160,
        ),
        # gpt-4o reads for half, and writes for nothing more.
        ({"model": "gpt-4o"}, {}, 500 + 100 + 300),
        ({"model": "of-ours"}, {}, 1000),
        ({"model": "of-ours"}, {"cached_usd": 0.25, "cache_write_usd": 2.0}, 500 + 50 + 600),
        ({"model": "of-ours"}, {"cached_usd": 0.0}, 500 + 300),
    ],
)
def test_configured_prices_win_and_leave_the_caches_to_the_vendors_proportion(
    case: dict[str, Any], prices: dict[str, float], expected: float
) -> None:
    assert priced(USAGE, **{"input_usd": 1.0, "output_usd": 4.0, **case, **prices}) == pytest.approx(
        (expected + 400) / MILLION
    )


def test_a_price_of_the_cache_alone_changes_the_librarys() -> None:
    other = priced(USAGE, "gpt-4o", cached_usd=0.0, cache_write_usd=0.0)
    assert other == priced(Usage(500, 100), "gpt-4o")


def test_a_model_of_ones_own_costs_nothing_where_that_is_configured() -> None:
    assert priced(USAGE, "claude-sonnet-5-5", dialect="anthropic", input_usd=0.0, output_usd=0.0) == 0


TOLD = Usage(1000, 100, charged_usd=0.125)


@pytest.mark.parametrize(
    ("base_url", "model"), [("https://openrouter.ai/api/v1", "a/b"), ("https://api.x.ai/v1", "grok-4")]
)
def test_what_the_vendor_charged_is_the_price_where_its_documentation_says_so(base_url: str, model: str) -> None:
    assert priced(TOLD, model, base_url=base_url) == 0.125
    assert priced(TOLD, model, base_url=base_url, input_usd=1.0, output_usd=1.0) == pytest.approx(0.0011)


def test_elsewhere_a_field_of_that_name_may_be_anything() -> None:
    assert priced(TOLD, "of-ours", base_url="https://llm.example.com/v1") is None
    assert priced(TOLD, "gpt-4o") == priced(Usage(1000, 100), "gpt-4o")
