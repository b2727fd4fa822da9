"""Requests with tools, images and forms of answers: what is taken, and what is refused with which words."""

import json

import pytest

from tests.worker.providers.request_cases import CLOCK, FIELDS, HELLO, MESSAGES, call, calls, image, result, user
from worker.errors import InvalidRequest
from worker.request import parse
from worker.request.fields import DEEPEST

NAME = r"String should match pattern '\A[A-Za-z0-9_-]{1,64}\z'"
DATA = "a data URL must begin with data:TYPE;base64, where TYPE is one of image/png, image/jpeg, image/gif, image/webp"
BASE64 = "the data URL's content must be base64 and not empty"
URL = "must be an http:// or https:// URL, or a data: URL"
AT_URL = "messages.0.content.0.image_url.url"


def tool(**function):
    return {"type": "function", "function": {"name": "f", **function}}


def nested(depth):
    value: dict = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_every_request_survives_its_way_over_the_wire(messages, fields):
    request = parse({"messages": messages, **fields}, ("default",))
    assert request.wire() == {"messages": messages, **fields, **_listed(fields)}
    assert parse(json.loads(json.dumps(request.wire())), ("default",)) == request
    assert parse(request, ("default",)) == request


def _listed(fields):
    return {"stop": [fields["stop"]]} if isinstance(fields.get("stop"), str) else {}


def test_options_for_providers_are_any_json():
    options = {"claude": {"thinking": {"type": "adaptive"}, "top_k": 5, "list": [1.5, None, True, "ü"]}, "openai": {}}
    assert parse({"messages": [HELLO], "provider_options": options}, ("default",)).wire()["provider_options"] == options


REFUSED = {
    "a choice without tools": ({"tool_choice": "auto"}, "tool_choice: needs tools"),
    "a choice with no tool": ({"tools": [], "tool_choice": "none"}, "tool_choice: needs tools"),
    "a choice of another tool": (
        {"tools": [CLOCK], "tool_choice": tool()},
        "tool_choice.function.name: names no function of tools",
    ),
    "a choice of another kind": ({"tool_choice": 4}, "tool_choice: must be 'none', 'auto', 'required' or a function"),
    "another choice": (
        {"tools": [CLOCK], "tool_choice": "any"},
        "tool_choice: must be 'none', 'auto' or 'required'",
    ),
    "a tool of another type": (
        {"tools": [{"type": "web_search"}]},
        "tools.0.type: must be 'function'; tools.0.function: missing",
    ),
    "a tool's name": ({"tools": [tool(name="get weather")]}, f"tools.0.function.name: {NAME}"),
    "a tool's schema": (
        {"tools": [tool(parameters={"type": "array"})]},
        "tools.0.function.parameters: the type must be 'object'",
    ),
    "a tool's number": (
        {"tools": [tool(parameters={"a": [float("inf")]})]},
        "tools.0.function.parameters: has a number that is not finite",
    ),
    "a tool's huge number": (
        {"tools": [tool(parameters={"a": 10**5000})]},
        "tools.0.function.parameters: has an integer of more than 64 bits",
    ),
    "a tool's bytes": (
        {"tools": [tool(parameters={"a": b"x"})]},
        "tools.0.function.parameters: has a value that is not JSON",
    ),
    "a tool's keys": (
        {"tools": [tool(parameters={1: 2})]},
        "tools.0.function.parameters: has a name that is no string",
    ),
    "a tool's depth": (
        {"tools": [tool(parameters=nested(DEEPEST))]},
        f"tools.0.function.parameters: is nested deeper than {DEEPEST} levels",
    ),
    "a tool's half of a pair": (
        {"tools": [tool(parameters={"a": "\ud800"})]},
        "tools.0.function.parameters: has half of a surrogate pair, which no UTF-8 text can hold",
    ),
    "two tools of one name": ({"tools": [CLOCK, CLOCK]}, "tools: two functions have one name"),
    "a million tools": ({"tools": [0] * 1_000_000}, "tools: must have at most 128 items"),
    "many bad tools": ({"tools": [0] * 128}, "tools.0: must be an object"),
    "no form of answer": ({"response_format": {}}, "response_format.type: missing"),
    "another form": (
        {"response_format": {"type": "yaml"}},
        "response_format.type: must be one of text, json_object, json_schema",
    ),
    "no schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
        "response_format.json_schema.schema: missing",
    ),
    "a schema's field": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "schemas": 1}}},
        "response_format.json_schema.schemas: unknown field",
    ),
    "another effort": (
        {"reasoning_effort": "huge"},
        "reasoning_effort: must be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'",
    ),
    "options that set the model": (
        {"provider_options": {"a": {"model": "x"}}},
        "provider_options.a: must not set model",
    ),
    "options that set all": (
        {"provider_options": {"a": {"stream": True, "messages": []}}},
        "provider_options.a: must not set messages, stream",
    ),
    "options that are none": ({"provider_options": {"a": 3}}, "provider_options.a: must be an object"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_fields_are_refused_with_the_reasons(fields, message):
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": [HELLO], **fields}, ("default",))
    assert str(refused.value) == message


UNANSWERED = "no tool message answers it before the next turn"
NO_CALL = "answers no open call of the assistant message before"
BETWEEN = {
    "an unanswered call": ([HELLO, calls(call("a"))], f"messages.1.tool_calls.0: {UNANSWERED}"),
    "one of two unanswered": (
        [HELLO, calls(call("a"), call("b")), result("a"), HELLO],
        f"messages.1.tool_calls.1: {UNANSWERED}",
    ),
    "a result of no call": ([HELLO, result("a")], f"messages.1.tool_call_id: {NO_CALL}"),
    "a result of another call": (
        [HELLO, calls(call("a")), result("b")],
        f"messages.2.tool_call_id: {NO_CALL}; messages.1.tool_calls.0: {UNANSWERED}",
    ),
    "a result twice": ([HELLO, calls(call("a")), result("a"), result("a")], f"messages.3.tool_call_id: {NO_CALL}"),
    "a late result": (
        [HELLO, calls(call("a")), HELLO, result("a")],
        f"messages.1.tool_calls.0: {UNANSWERED}; messages.3.tool_call_id: {NO_CALL}",
    ),
    "one id twice": ([HELLO, calls(call("a"), call("a")), result("a")], "messages.1.tool_calls: two calls have one id"),
    "no content and no call": ([HELLO, {"role": "assistant"}], "messages.1.content: needs content or tool_calls"),
    "only white space": ([user(" \n")], "messages: no message has any text but white space"),
    "a call's arguments": (
        [HELLO, calls(call("a", arguments=["Oslo"])), result("a")],
        "messages.1.tool_calls.0.function.arguments: must be a valid string",
    ),
    "a call's name": (
        [HELLO, calls(call("a", name="no name")), result("a")],
        f"messages.1.tool_calls.0.function.name: {NAME}",
    ),
    "an image of an assistant": (
        [HELLO, {"role": "assistant", "content": [image("https://example.com/a.png")]}],
        "messages.1.content.0.type: must be 'text'; messages.1.content.0.text: missing; "
        "messages.1.content.0.image_url: unknown field",
    ),
    "a data URL of another type": ([user([image("data:image/bmp;base64,AA==")])], f"{AT_URL}: {DATA}"),
    "a data URL of text": ([user([image("data:text/plain,hello")])], f"{AT_URL}: {DATA}"),
    "a data URL that is no base64": ([user([image("data:image/png;base64,A!==")])], f"{AT_URL}: {BASE64}"),
    "an empty data URL": ([user([image("data:image/png;base64,")])], f"{AT_URL}: {BASE64}"),
    "a file's URL": ([user([image("file:///etc/passwd")])], f"{AT_URL}: {URL}"),
    "a URL with a password": ([user([image("https://a:b@example.com/")])], f"{AT_URL}: {URL}"),
    "a URL of two lines": ([user([image("https://example.com/\nx")])], f"{AT_URL}: {URL}"),
    "a speaker's name": (
        [HELLO | {"name": "a b"}],
        r"messages.0.name: String should match pattern '\A[^\s<|\\/>]{1,64}\z'",
    ),
}


@pytest.mark.parametrize(("messages", "message"), BETWEEN.values(), ids=BETWEEN)
def test_bad_messages_are_refused_with_the_reasons(messages, message):
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": messages}, ("default",))
    assert str(refused.value) == message


def test_the_faults_between_messages_are_counted_out_at_twenty():
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": [HELLO, *(result("a") for _ in range(100))]}, ("default",))
    assert str(refused.value).count(NO_CALL) == 20


def test_a_name_of_a_tool_message_is_accepted_and_ignored():
    parse({"messages": [HELLO, calls(call("a")), result("a") | {"name": "get weather"}]}, ("default",))


def test_a_schema_of_two_hundred_thousand_values_is_refused():
    with pytest.raises(InvalidRequest, match=r"tools\.0\.function\.parameters: has more than 200000 values"):
        parse({"messages": [HELLO], "tools": [tool(parameters={"enum": [0] * 300_000})]}, ("default",))
