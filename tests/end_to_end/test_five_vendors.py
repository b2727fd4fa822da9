"""A conversation with tools and thoughts goes from vendor to vendor in every order, and back to two of them."""

from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from tests.end_to_end.five_vendors import BASE_URLS, DIALECTS, FiveVendors
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.speaking import speaking
from tests.length import at_length
from tests.worker.providers.request_cases import HELLO, user

PROVIDER = """\
[providers.{name}-vendor]
dialect = "{dialect}"
base_url = "{url}"
api_key_env = ""
models.default = {{ name = "m" }}
{more}
[chains.{name}]
providers = ["{name}-vendor"]
retry = {{ max_retries = 0 }}
"""
MORE = {"deepseek": 'stand_in = "reasoning_content"', "gemini": 'stand_in = "thought_signature"'}
CLOCK = {
    "type": "function",
    "function": {"name": "clock", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}
ORDERS = list(permutations(DIALECTS, 4))
BACK = (0, 2)
"""Which of the four is asked again, after the others."""


@pytest.fixture(scope="module")
def vendors() -> FiveVendors:
    return FiveVendors()


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, vendors: FiveVendors) -> Iterator[dict[str, str]]:
    file = tmp_path_factory.mktemp("settings") / "fallback.toml"
    with speaking(vendors.vendors) as url:
        tables = [
            PROVIDER.format(
                name=name, dialect=dialect, url=f"{url}/{name}{BASE_URLS[dialect]}", more=MORE.get(name, "")
            )
            for name, dialect in DIALECTS.items()
        ]
        file.write_text("".join(tables), "utf-8")
        yield {"FALLBACK_CONFIG": str(file)}


@pytest.mark.parametrize(
    "orders",
    [pytest.param(ORDERS[::5], id="every fifth order"), pytest.param(ORDERS, id="every order", marks=at_length)],
)
def test_each_gets_what_it_gave_and_nothing_of_the_others(
    shared_setup: LocalSetup, vendors: FiveVendors, orders: list[tuple[str, ...]]
) -> None:
    vendors.returned.clear()
    talks: list[list[dict[str, Any]]] = [[HELLO, user("What time is it?")] for _ in orders]
    for turn in (*range(4), *BACK):
        names = [order[turn] for order in orders]
        requests = [{"messages": messages, "tools": [CLOCK]} for messages in talks]
        pending = [shared_setup.complete(*each) for each in zip(requests, names, strict=True)]
        for name, messages, result in zip(names, talks, pending, strict=True):
            answer = result.get(timeout=60)
            assert answer["fallback"]["provider"] == f"{name}-vendor"
            message = answer["choices"][0]["message"]
            ids = [call["id"] for call in message["tool_calls"]]
            messages += [message, *({"role": "tool", "tool_call_id": id_, "content": id_} for id_ in ids)]
    assert vendors.returned == Counter(order[turn] for order in orders for turn in BACK)
