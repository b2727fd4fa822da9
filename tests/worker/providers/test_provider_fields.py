"""What a provider gives for itself alone returns to it, through others' turns, and nobody else sees it."""

import json
from functools import cache
from itertools import permutations
from typing import Any

import pytest

from config.providers import Model
from tests.worker.providers.asking import asked, body, data, provider
from tests.worker.providers.bare_server import responds, serving, streams
from tests.worker.providers.own_fields import DETAIL, OWN, REDACTED, STREAMS, THINKING, call, openai_pieces, wire
from tests.worker.providers.request_cases import CLOCK, HELLO
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
    messages = [HELLO]
    for turn in turns:
        results = [{"role": "tool", "tool_call_id": each["id"], "content": "noon"} for each in said(turn)["tool_calls"]]
        messages += [said(turn), *results]
    dialect = STREAMS[name][0]
    whole = body(dialect, parse({"messages": messages, "tools": [CLOCK]}, ("default",)), Model(name=model), name=name)
    assert [rule for rule in broken(dialect, whole) if "ids" not in rule] == []
    found: list[dict[str, Any]] = [each for each in whole["messages"] if each["role"] == "assistant"]
    return found


@pytest.mark.parametrize("name", STREAMS)
def test_the_message_has_what_only_its_provider_may_see_again(name: str) -> None:
    assert said(name)["provider_fields"] == {name: {"model": "a-model", **OWN[name]}}


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
