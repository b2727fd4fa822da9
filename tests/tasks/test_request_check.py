"""The arguments of a completion, which anybody may send."""

from typing import Any

import pytest

from config.settings import load
from tasks.request_check import check_request
from worker.errors import InvalidRequest, UnknownChain

SETTINGS = load({})
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("chain", ["Say a secret.", HELLO, ["secret"], "x" * 65, "a\nb", 5, None])
def test_a_chain_that_may_be_a_prompt_is_not_quoted(chain: Any) -> None:
    with pytest.raises(UnknownChain, match=r"^chain: no chain of that name; there are high-priority, default"):
        check_request(SETTINGS, HELLO, chain)


NAMED = SETTINGS.model_copy(update={"models": {"gpt-4o": "default", "gpt-4o-mini": "fast", "o3": "slow"}})


@pytest.mark.parametrize(
    ("name", "tier"), [("gpt-4o", "default"), ("gpt-4o-mini", "fast"), ("fast", "fast"), ("o3", "default")]
)
def test_a_models_name_stands_for_its_tier(name: str, tier: str) -> None:
    assert check_request(NAMED, {**HELLO, "model": name}, "default").model == tier


def test_a_name_that_nobody_knows_is_refused_with_the_way_out_and_not_quoted() -> None:
    with pytest.raises(InvalidRequest, match=r"names no tier; there are default, fast. A table \[models\]") as refused:
        check_request(NAMED, {**HELLO, "model": "secret-model"}, "default")
    assert "secret-model" not in str(refused.value)


def test_a_name_that_nobody_knows_is_answered_by_the_default_tier_where_that_is_set() -> None:
    settings = NAMED.model_copy(update={"unknown_model": "default"})
    assert check_request(settings, {**HELLO, "model": "claude-3"}, "default").model == "default"
    assert check_request(settings, {**HELLO, "model": "gpt-4o-mini"}, "default").model == "fast"
