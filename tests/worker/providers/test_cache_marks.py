"""Marks of what to cache: the request's reach Anthropic alone, and `prompt_cache` makes some."""

import json
from typing import Any

import pytest

from config.providers import Dialect
from tests.worker.providers.asking import body
from tests.worker.providers.request_cases import CLOCK, HELLO, MARK, calls, image, result, text, user
from tests.worker.providers.request_cases import call as called
from worker.request import parse

EPHEMERAL = {"type": "ephemeral"}


def sent(dialect: Dialect, *messages: dict[str, Any], prompt_cache: bool = False, **fields: Any) -> dict[str, Any]:
    asked = parse({"messages": list(messages), **fields}, ("default",))
    return body(dialect, asked, prompt_cache=prompt_cache)


def marked(body: dict[str, Any]) -> list[str]:
    """Returns the paths of what has a mark."""
    found = [f"tools.{index}" for index, tool in enumerate(body.get("tools", ())) if "cache_control" in tool]
    if isinstance(body.get("system"), list):
        found += [f"system.{index}" for index, block in enumerate(body["system"]) if "cache_control" in block]
    for turn, message in enumerate(body["messages"]):
        blocks = enumerate(message["content"])
        found += [f"messages.{turn}.{index}" for index, block in blocks if "cache_control" in block]
    return found


MARKED = [
    {"role": "system", "content": [text("One."), text("Two.") | MARK]},
    user(image("https://example.com/a.png") | MARK, text("What is it?")),
    calls(called("call_1")),
    result("call_1", [text("sun") | MARK, text("ny")]),
]


def test_the_requests_marks_are_anthropics() -> None:
    assert marked(sent("anthropic", *MARKED)) == ["system.1", "messages.0.0", "messages.2.0"]
    assert sent("anthropic", *MARKED)["system"][1] == text("Two.") | MARK


@pytest.mark.parametrize("dialect", ["openai", "llama_cpp"])
def test_nobody_else_sees_a_mark(dialect: Dialect) -> None:
    assert "cache_control" not in json.dumps(sent(dialect, *MARKED, tools=[CLOCK | MARK], prompt_cache=True))


def test_a_mark_of_a_message_is_its_last_blocks() -> None:
    assert marked(sent("anthropic", user(text("a"), text("b")) | MARK)) == ["messages.0.1"]
    assert marked(sent("anthropic", HELLO, calls(called("call_1")) | MARK, result("call_1", "") | MARK)) == [
        "messages.1.0",
        "messages.2.0",
    ]
    said = calls(called("call_1"), content="Let me see.") | MARK
    assert marked(sent("anthropic", HELLO, said, result("call_1"))) == ["messages.1.1"]


def test_of_more_marks_than_anthropic_takes_the_last_four_stay() -> None:
    parts = [text(str(number)) | MARK for number in range(6)]
    body = sent("anthropic", user(*parts), tools=[CLOCK | MARK])
    assert marked(body) == [f"messages.0.{number}" for number in range(2, 6)]


def turns(count: int) -> list[dict[str, Any]]:
    found = [{"role": "system", "content": "Be brief."}]
    for number in range(count):
        found += [user(f"Question {number}"), {"role": "assistant", "content": f"Answer {number}"}]
    return found[:-1]


def test_a_provider_that_caches_marks_instructions_and_the_last_three_questions() -> None:
    body = sent("anthropic", *turns(4), tools=[CLOCK], prompt_cache=True)
    assert marked(body) == ["system.0", "messages.2.0", "messages.4.0", "messages.6.0"]
    assert body["system"] == [text("Be brief.") | {"cache_control": EPHEMERAL}]


def test_without_instructions_the_tools_are_marked() -> None:
    assert marked(sent("anthropic", HELLO, tools=[CLOCK, CLOCK | {"function": {"name": "b"}}], prompt_cache=True)) == [
        "tools.1",
        "messages.0.0",
    ]


def test_the_requests_own_marks_are_not_added_to() -> None:
    assert marked(sent("anthropic", *turns(2), user("Now?") | MARK, prompt_cache=True)) == ["messages.2.1"]


def prefix(body: dict[str, Any], path: str) -> str:
    """Returns what a mark keeps: the prompt up to it, without marks."""
    turn, index = map(int, path.split(".")[1:])
    kept = [*body["messages"][:turn], {"role": "user", "content": body["messages"][turn]["content"][: index + 1]}]
    return json.dumps([body["system"], kept]).replace(f', "cache_control": {json.dumps(EPHEMERAL)}', "")


def test_each_turn_of_a_conversation_reads_what_the_turn_before_wrote() -> None:
    kept: set[str] = set()
    for count in range(1, 11):
        body = sent("anthropic", *turns(count), prompt_cache=True)
        prefixes = [prefix(body, path) for path in marked(body) if path.startswith("messages")]
        assert count == 1 or kept.intersection(prefixes)
        kept.update(prefixes)
