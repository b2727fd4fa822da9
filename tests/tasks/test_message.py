"""Our part of a message's headers, which anybody may write."""

from typing import Any

import pytest

from config.settings import load
from tasks import message
from worker.errors import InvalidRequest, UnknownChain

SETTINGS = load({})
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
BAD = [
    (5, "request: must be an object"),
    ([1], "request: must be an object"),
    ({"step": -1}, "step: must be greater than or equal to 0"),
    ({"step": "1"}, "step: must be a valid integer"),
    ({"step": 2**53}, "step: must be less than 2147483648"),
    ({"rest": "claude"}, "rest: must be a list"),
    ({"rest": [None]}, "rest.0: must be a valid string"),
    ({"deadline_at": float("nan")}, "deadline_at: must be a finite number"),
    ({"deadline_at": "never"}, "deadline_at: must be a valid number"),
    ({"queued_at": -1}, "queued_at: must be greater than or equal to 0"),
    ({"version": True}, "version: must be a valid integer"),
]


@pytest.mark.parametrize(("header", "reason"), BAD)
def test_headers_of_ours_that_are_none_are_refused(header: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        message.stage({"fallback": header})
    assert str(refused.value) == f"headers.fallback: {reason}"


@pytest.mark.parametrize("headers", [None, {}, {"fallback": {"version": 0, "later": 1}}, {"fallback": {"step": 2}}])
def test_a_stage_is_read_of_no_headers_of_the_version_before_and_past_unknown_fields(headers: Any) -> None:
    assert message.stage(headers).rest is None


@pytest.mark.parametrize(("version", "newer"), [(0, False), (1, False), (2, True), (10**20, True), ("2", False)])
def test_a_later_version_is_told_by_its_number(version: Any, newer: bool) -> None:
    assert message.is_newer({"fallback": {"version": version}}) is newer


@pytest.mark.parametrize("chain", ["Say a secret.", HELLO, ["secret"], "x" * 65, "a\nb", 5, None])
def test_a_chain_that_may_be_a_prompt_is_not_quoted(chain: Any) -> None:
    with pytest.raises(UnknownChain, match=r"^chain: no chain of that name; there are high-priority, default"):
        message.checked(SETTINGS, HELLO, chain)
