"""A conversation with tools goes on at any other provider, and nothing of one vendor's goes with it."""

import json
from itertools import product
from typing import Any

import pytest

from config.providers import Dialect, Model
from tests.worker.providers.asking import asked, body, provider, request
from tests.worker.providers.bare_server import HEAD, chunk, responds, sends, serving
from tests.worker.providers.request_cases import CLOCK, HELLO, WEATHER
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults
from tests.worker.providers.wires import Saying, anthropic_plain, anthropic_stream, openai_plain, openai_stream
from worker.providers.dialects import DIALECTS
from worker.request import CompletionRequest, parse
from worker.result import completion

IDS = {"openai": "call_9", "llama_cpp": "x" * 32, "anthropic": "toolu_01A09q90qw90lq917835lq9"}
FOREIGN = ("thinking", "signature", "c2lnbmF0dXJl", "reasoning", "refusal", "Secret")


def saying(dialect: Dialect, *calls: tuple[str, str, dict[str, Any]], text: str = "Let me see.") -> Saying:
    return Saying(text, tuple(calls), "tool_calls", hidden="Secret thought.", reasoning=2)


def said(dialect: Dialect, stream: bool, what: Saying) -> dict[str, Any]:
    """Returns the message of the result that a producer gets."""
    wire = {"anthropic": (anthropic_plain, anthropic_stream)}.get(dialect, (openai_plain, openai_stream))[stream](what)
    talk = sends(HEAD + chunk(wire) + b"0\r\n\r\n") if stream else responds(b"200 OK", wire)
    with serving(talk) as bare:
        answer = asked(provider(dialect, bare.url, stream=stream, name="first"))
    message: dict[str, Any] = json.loads(json.dumps(completion(answer, 0.0, {})))["choices"][0]["message"]
    return message


def sent(dialect: Dialect, messages: list[dict[str, Any]]) -> dict[str, Any]:
    asked_for = parse({"messages": messages, "tools": [WEATHER, CLOCK]}, ("default",))
    return body(dialect, asked_for, stream=False)


def answered(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message["tool_calls"]
    return [message, *({"role": "tool", "tool_call_id": call["id"], "content": call["id"]} for call in calls)]


def pairs(dialect: Dialect, body: dict[str, Any]) -> dict[str, str]:
    """Returns which call each result, whose text is its first id, answers."""
    if dialect != "anthropic":
        return {
            message["tool_call_id"]: message["content"] for message in body["messages"] if "tool_call_id" in message
        }
    blocks = [block for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_result"]
    return {block["tool_use_id"]: block["content"][0]["text"] for block in blocks}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize(("first", "then"), list(product(DIALECTS, DIALECTS)))
def test_a_tool_conversation_goes_on_with_any_other_provider(first: Dialect, then: Dialect, stream: bool) -> None:
    calls = (IDS[first], "weather", {"city": "Oslo"}), (IDS[first] + "b", "clock", {})
    message = said(first, stream, saying(first, *calls))
    body = sent(then, [HELLO, *answered(message)])
    assert [*faults(then, body), *broken(then, body)] == []
    assert list(pairs(then, body).values()) == [IDS[first], IDS[first] + "b"]
    assert not any(word in json.dumps(body["messages"]) for word in FOREIGN)
    if first != "anthropic" == then or then != "anthropic" == first:
        assert IDS[first] not in pairs(then, body)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_vendors_own_ids_stay_at_home(dialect: Dialect) -> None:
    message = said(dialect, False, saying(dialect, (IDS[dialect], "clock", {})))
    assert list(pairs(dialect, sent(dialect, [HELLO, *answered(message)]))) == [IDS[dialect]]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_ids_are_mapped_alike_at_every_attempt_and_apart_from_each_other(dialect: Dialect) -> None:
    message = said("openai", False, saying("openai", ("a:1", "clock", {}), ("a.1", "clock", {})))
    turn = answered(message)
    once, again = (sent(dialect, [HELLO, *turn, *turn]) for _ in range(2))
    assert once == again
    assert len(pairs(dialect, once)) == 4


@pytest.mark.parametrize("ids", [("", ""), ("0", "0")], ids=["no ids", "one id for all"])
def test_calls_that_came_without_ids_of_their_own_can_be_answered(ids: tuple[str, str]) -> None:
    message = said("openai", False, saying("openai", (ids[0], "clock", {}), (ids[1], "weather", {})))
    assert broken("anthropic", sent("anthropic", [HELLO, *answered(message)])) == []


@pytest.mark.parametrize("name", ["multi_tool_use.parallel", "x" * 70, "wétter"])
def test_a_name_that_a_model_made_up_does_not_end_the_conversation(name: str) -> None:
    message = said("openai", True, saying("openai", ("call_1", name, {})))
    assert broken("anthropic", sent("anthropic", [HELLO, *answered(message)])) == []


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("[1, 2]", {"arguments": [1, 2]}),
        *((text, {"arguments": text}) for text in ("city: Oslo", '{"city": "Os', '{"a": NaN}', '{"a": "\\ud800"}')),
        *((text, {"arguments": text}) for text in ('{"a":' + "[" * 900 + "]" * 900 + "}", "[" * 100_000, "9" * 5_000)),
    ],
)
def test_arguments_are_an_object_or_stand_in_one(arguments: str, given: dict[str, Any]) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    messages = [HELLO, *answered({"role": "assistant", "content": None, "tool_calls": [call]})]
    assert sent("anthropic", messages)["messages"][1]["content"][0]["input"] == given
    assert json.dumps(sent("anthropic", messages))
    (call,) = sent("openai", messages)["messages"][1]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == given


def options(dialect: Dialect, model: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Returns what a provider `p` of this dialect is sent."""
    talk = responds(b"200 OK", (anthropic_plain if dialect == "anthropic" else openai_plain)(Saying("Hi")))
    models = {"default": Model(name="a-model", **(model or {}))}
    with serving(talk) as bare:
        asked(provider(dialect, bare.url).model_copy(update={"stream": False, "models": models}), request(**fields))
    body: dict[str, Any] = json.loads(bare.requests[0].partition(b"\r\n\r\n")[2])
    return body


@pytest.mark.parametrize("dialect", DIALECTS)
def test_provider_options_go_to_that_provider_alone_and_last(dialect: Dialect) -> None:
    of_ours = {"p": {"max_tokens": 9, "service_tier": "auto"}, "another": {"top_k": 5}}
    body = options(dialect, max_tokens=7, provider_options=of_ours)
    assert (body["max_tokens"], body["service_tier"]) == (9, "auto")
    assert "top_k" not in body


def test_provider_options_are_merged_into_objects() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    of_ours = {"p": {"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}}
    body = options("anthropic", response_format=form, reasoning_effort="low", provider_options=of_ours)
    assert body["output_config"]["effort"] == "max"
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert body["thinking"] == {"type": "adaptive"}


def test_a_model_is_not_sent_what_it_refuses() -> None:
    model = {"drop_params": ["temperature", "top_p"], "effort_with_tools": "none"}
    asked_for = {"temperature": 0.3, "seed": 1, "reasoning_effort": "high"}
    plain = options("openai", model, **asked_for)
    with_tools = options("openai", model, **asked_for, tools=[CLOCK])
    assert "temperature" not in plain | with_tools
    assert (plain["seed"], plain["reasoning_effort"], with_tools["reasoning_effort"]) == (1, "high", "none")


def test_what_a_request_needs_is_told_in_the_words_of_what_a_dialect_takes() -> None:
    def needs(**fields: Any) -> frozenset[str]:
        return CompletionRequest.model_validate({"messages": [HELLO], **fields}).needs

    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert needs() == needs(tools=[], response_format={"type": "text"}) == frozenset()
    assert needs(tools=[CLOCK], response_format={"type": "json_object"}) == {"tools", "json"}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    assert needs(messages=[{"role": "user", "content": [image]}], response_format=form) == {"images", "schema"}
    assert needs(messages=[HELLO, {"role": "assistant", "content": "Once"}]) == {"prefill"}
    assert DIALECTS["openai"].takes == {"tools", "images", "files", "audio", "schema", "json", "prefill"}
    assert DIALECTS["anthropic"].takes == DIALECTS["openai"].takes - {"audio"}
    assert DIALECTS["llama_cpp"].takes == DIALECTS["openai"].takes - {"files"}
