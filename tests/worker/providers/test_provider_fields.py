"""What a provider gives for itself alone returns to it, through others' turns, and nobody else sees it."""

import json
from functools import cache
from itertools import permutations
from typing import Any

import pytest

from config.providers import Model
from tests.end_to_end.speaking import says_blocks
from tests.worker.providers.asking import asked, body, data, provider
from tests.worker.providers.bare_server import responds, serving, streams
from tests.worker.providers.own_fields import (
    DETAIL,
    OWN,
    REDACTED,
    SHARED,
    STREAMS,
    THINKING,
    call,
    openai_pieces,
    wire,
)
from tests.worker.providers.request_cases import CLOCK, HELLO, text
from tests.worker.providers.vendor_rules import broken
from worker.request import parse


@cache
def said(name: str) -> dict[str, Any]:
    """Returns the message that a provider of this name answers with."""
    with serving(streams(wire(name))) as bare:
        answer = asked(provider(STREAMS[name][0], bare.url, name=name))
    message: dict[str, Any] = json.loads(json.dumps(answer.message))
    return message


def sent(name: str, *turns: str, model: str = "a-model") -> list[dict[str, Any]]:
    """Returns the messages that a provider is sent after these turns, each a call that was answered."""
    return replayed(name, list(map(said, turns)), model)


def replayed(name: str, answers: list[dict[str, Any]], model: str = "a-model") -> list[dict[str, Any]]:
    """Returns the assistant's messages that a provider is sent where these were answers."""
    messages = [HELLO]
    for answer in answers:
        results = [{"role": "tool", "tool_call_id": each["id"], "content": "noon"} for each in answer["tool_calls"]]
        messages += [answer, *results]
    dialect = STREAMS[name][0]
    whole = body(dialect, parse({"messages": messages, "tools": [CLOCK]}, ("default",)), Model(name=model), name=name)
    assert [rule for rule in broken(dialect, whole) if "ids" not in rule] == []
    found: list[dict[str, Any]] = [each for each in whole["messages"] if each["role"] == "assistant"]
    return found


@pytest.mark.parametrize("name", STREAMS)
def test_the_message_has_what_only_its_provider_may_see_again(name: str) -> None:
    fields = {key: value for key, value in OWN[name].items() if key not in SHARED.get(name, ())}
    fields |= {"reasoning_in": SHARED[name]} if name in SHARED else {}
    assert said(name)["provider_fields"] == {name: {"model": "a-model", **fields}}


@pytest.mark.parametrize("name", SHARED)
def test_a_reasoning_that_is_the_messages_own_is_there_once(name: str) -> None:
    [field] = SHARED[name]
    assert said(name)["reasoning_content"] == OWN[name][field]
    others = json.dumps(OWN[name].get("reasoning_details", ""))  # signed, so it goes back as it came
    assert json.dumps(said(name)).count(OWN[name][field]) == 1 + others.count(OWN[name][field])


@pytest.mark.parametrize("name", SHARED)
def test_a_message_that_has_it_twice_as_earlier_ones_have_goes_back_as_well(name: str) -> None:
    earlier = said(name) | {"provider_fields": {name: {"model": "a-model", **OWN[name]}}}
    assert returned(name, replayed(name, [earlier])[0])


@pytest.mark.parametrize("name", SHARED)
def test_a_message_whose_reasoning_the_caller_took_out_goes_back_without_it(name: str) -> None:
    stripped = {key: value for key, value in said(name).items() if key != "reasoning_content"}
    assert not {*SHARED[name]} & {*replayed(name, [stripped])[0]}


@pytest.mark.parametrize("fields", [{"reasoning_in": 5}, {"reasoning_in": [[], "tool_calls"]}, {"tool_calls": "x"}])
def test_fields_that_a_caller_made_up_fail_nothing(fields: dict[str, Any]) -> None:
    made_up = said("deepseek") | {"provider_fields": {"deepseek": {"model": "a-model", **fields}}}
    assert replayed("deepseek", [made_up])[0]["tool_calls"][0]["id"] == "call_d"


@pytest.mark.parametrize("order", list(permutations(STREAMS, 4)))
def test_it_returns_to_its_provider_alone_in_every_order(order: tuple[str, ...]) -> None:
    for name in STREAMS:
        for turn, message in zip(order, sent(name, *order), strict=True):
            assert (turn == name) == returned(name, message), f"{turn}'s at {name}"


def returned(name: str, message: dict[str, Any]) -> bool:
    """Returns whether a message has all that this provider gave; fails if it has a part of it, or another's."""
    if name == "claude":
        thoughts = [block for block in message["content"] if "thinking" in block["type"]]
        assert thoughts in ([], [THINKING, REDACTED])
        assert message["content"][: len(thoughts)] == thoughts
        return bool(thoughts)
    fields = {key: value for key, value in message.items() if key not in ("role", "content", "tool_calls")}
    extras = {
        each["id"]: {"extra_content": each["extra_content"]}
        for each in message["tool_calls"]
        if "extra_content" in each
    }
    found = fields | ({"tool_calls": extras} if extras else {})
    assert found in ({}, OWN[name])
    return bool(found)


@pytest.mark.parametrize("name", STREAMS)
def test_another_model_of_the_provider_does_not_see_it(name: str) -> None:
    assert not returned(name, sent(name, name, model="another")[0])


def test_a_plain_answer_has_the_same() -> None:
    blocks = [THINKING, REDACTED, {"type": "text", "text": "Noon."}]
    whole = {"type": "message", "id": "msg_1", "model": "served", "content": blocks, "stop_reason": "end_turn"}
    with serving(responds(b"200 OK", json.dumps(whole).encode())) as bare:
        message = asked(provider("anthropic", bare.url, name="claude", stream=False)).message
    assert message["provider_fields"]["claude"]["thinking"] == [THINKING, REDACTED]


def use(number: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "clock", "input": {}}


BETWEEN: dict[str, list[dict[str, Any]]] = {
    "calls": [THINKING, use(1), REDACTED, use(2), THINKING, use(3)],
    "texts": [THINKING, text("Grüße 😀"), THINKING, text("Noon."), use(1)],
    "a text and nothing": [text("Let me see."), THINKING, use(1)],
    "a blank text": [THINKING, text("\n\n"), use(1), THINKING, use(2)],
}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("blocks", BETWEEN.values(), ids=BETWEEN)
def test_thoughts_go_back_to_their_places(blocks: list[dict[str, Any]], stream: bool) -> None:
    whole = {"type": "message", "id": "msg_1", "model": "served", "content": blocks, "stop_reason": "tool_use"}
    talk = streams(says_blocks(blocks, {})[1]) if stream else responds(b"200 OK", json.dumps(whole).encode())
    with serving(talk) as bare:
        message = json.loads(json.dumps(asked(provider("anthropic", bare.url, name="claude", stream=stream)).message))
    came = [block for block in blocks if block.get("text", "x").strip()]
    assert replayed("claude", [message])[0]["content"] == came
    marked = message | {"cache_control": {"type": "ephemeral"}}
    assert replayed("claude", [marked])[0]["content"] == [
        *came[:-1],
        came[-1] | {"cache_control": {"type": "ephemeral"}},
    ]
    changed = message | {"content": "Another."}
    thoughts = [block for block in blocks if block in (THINKING, REDACTED)]
    assert replayed("claude", [changed])[0]["content"][: len(thoughts) + 1] == [*thoughts, text("Another.")]


@pytest.mark.parametrize("order", [[], "x", [[], -1], ["thinking", "thinking"], [True], ["thinking", "tool_use", 5]])
def test_an_order_that_a_caller_made_up_fails_nothing(order: Any) -> None:
    own = {"model": "a-model", **OWN["claude"], "order": order}
    made_up = said("claude") | {"provider_fields": {"claude": own}}
    assert replayed("claude", [made_up])[0]["content"][:2] == [THINKING, REDACTED]


@pytest.mark.parametrize(
    ("stand_in", "missing"),
    [
        ("reasoning_content", {"reasoning_content": ""}),
        ("thought_signature", {"google": {"thought_signature": "skip_thought_signature_validator"}}),
    ],
)
def test_calls_of_others_get_what_the_provider_refuses_to_miss(stand_in: str, missing: dict[str, Any]) -> None:
    request = parse(
        {"messages": [HELLO, said("claude"), {"role": "tool", "tool_call_id": "toolu_1", "content": "noon"}]},
        ("default",),
    )
    message = body("openai", request, name="gemini", stand_in=stand_in)["messages"][1]
    assert missing.items() <= message.items() or message["tool_calls"][0]["extra_content"] == missing


BAD: list[Any] = [
    {"reasoning_details": ["x", 3]},
    {"reasoning_details": [DETAIL, DETAIL | {"text": 5}]},
    {"extra_content": "x"},
    {"reasoning_details": {"a": 1}},
]


@pytest.mark.parametrize("delta", BAD)
def test_a_field_of_another_shape_loses_no_answer(delta: dict[str, Any]) -> None:
    pieces = openai_pieces(delta, {"tool_calls": [call("call_1")]})
    with serving(streams(*map(data, pieces))) as bare:
        assert asked(provider("openai", bare.url)).finish_reason == "tool_calls"


def test_the_probabilities_of_an_answer_are_in_its_choice() -> None:
    tokens = [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": []} for text in ("No", "on")]
    pieces = [
        *({"choices": [{"index": 0, "delta": {"content": t["token"]}, "logprobs": {"content": [t]}}]} for t in tokens),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    with serving(streams(*map(data, pieces))) as bare:
        assert asked(provider("openai", bare.url)).logprobs == {"content": tokens}
