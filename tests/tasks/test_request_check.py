"""The arguments of a completion, which anybody may send."""

from typing import Any

import pytest

from config.settings import load
from tasks.request_check import check_request
from worker.errors import UnknownChain

SETTINGS = load({})
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("chain", ["Say a secret.", HELLO, ["secret"], "x" * 65, "a\nb", 5, None])
def test_a_chain_that_may_be_a_prompt_is_not_quoted(chain: Any) -> None:
    with pytest.raises(UnknownChain, match=r"^chain: no chain of that name; there are high-priority, default"):
        check_request(SETTINGS, HELLO, chain)
