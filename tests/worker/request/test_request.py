import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from worker.errors import InvalidRequest
from worker.request import CompletionRequest, parse

TIERS = ("default", "fast")
NO_TIER = (
    "names no tier; there are default, fast. A table [models] can map a model's name to a tier, "
    'and unknown_model = "default" answers any name'
)
HELLO = {"role": "user", "content": "Hello"}
SURROGATE = "has half of a surrogate pair, which no UTF-8 text can hold"
NO_TEXT = "must be a string or a list of parts"


def user(content):
    return {"messages": [{"role": "user", "content": content}]}


ACCEPTED = {
    "one message": {"messages": [HELLO]},
    "every field": {
        "messages": [{"role": "system", "content": "Be brief."}, HELLO, {"role": "assistant", "content": ""}, HELLO],
        "model": "fast",
        "max_completion_tokens": 10,
        "temperature": 0,
        "top_p": 1.0,
        "stop": ["a", "b"],
        "seed": -1,
        "user": "u",
        "metadata": {"tenant": "blue"},
        "timeout": 5,
    },
    "text parts": user([{"type": "text", "text": "Grüße"}, {"type": "text", "text": "😀"}]),
    "what happens anyway": {"messages": [HELLO], "n": 1, "stream": False},
    "nulls": {"messages": [HELLO], "max_tokens": None, "temperature": None, "stop": None, "n": None, "stream": None},
    "a single stop": {"messages": [HELLO], "stop": "END"},
    "the same limit twice": {"messages": [HELLO], "max_tokens": 5, "max_completion_tokens": 5},
}


@pytest.mark.parametrize("payload", ACCEPTED.values(), ids=ACCEPTED)
def test_a_request_survives_its_way_over_the_wire(payload):
    request = parse(payload, TIERS)
    assert parse(json.loads(json.dumps(request.wire())), TIERS) == request


def test_the_wire_carries_only_what_the_producer_set():
    assert parse({"messages": [HELLO], "seed": None}, TIERS).wire() == {"messages": [HELLO], "seed": None}


@pytest.mark.parametrize(("stop", "stops"), [(None, ()), ("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())])
def test_stop_is_one_sequence_or_up_to_four(stop, stops):
    assert parse({"messages": [HELLO], "stop": stop}, TIERS).stops == stops


def test_the_message_of_an_earlier_answer_goes_straight_back():
    answer = ChatCompletionMessage(role="assistant", content="Hi.", annotations=[]).model_dump()
    assert parse({"messages": [HELLO, answer, HELLO]}, TIERS).messages[1].content == "Hi."


REFUSED = {
    "nothing": (None, "request: must be an object"),
    "a list": ([HELLO], "request: must be an object"),
    "a string": ("Hello", "request: must be an object"),
    "an empty object": ({}, "messages: missing"),
    "no message": ({"messages": []}, "messages: must have at least 1 item"),
    "messages as null": ({"messages": None}, "messages: must be a list"),
    "a message that is text": ({"messages": ["Hello"]}, "messages.0: must be an object"),
    "an unknown role": (
        {"messages": [HELLO, {"role": "robot", "content": "x"}]},
        "messages.1.role: must be one of system, developer, user, assistant, tool",
    ),
    "no role": ({"messages": [{"content": "x"}]}, "messages.0.role: missing"),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content: missing"),
    "content of another type": (user(5), f"messages.0.content: {NO_TEXT}"),
    "content as bytes": (user(b"x"), f"messages.0.content: {NO_TEXT}"),
    "empty content": (user(""), "messages.0.content: String should have at least 1 character"),
    "no part": (user([]), "messages.0.content: must have at least 1 item"),
    "a part without text": (user([{"type": "text"}]), "messages.0.content.0.text: missing"),
    "a part of another type": (
        user([{"type": "audio", "text": ""}]),
        "messages.0.content.0.type: must be one of text, image_url, file, input_audio",
    ),
    "a field named as a role": (
        {"messages": [{"role": "user", "content": 5, "user": "x"}]},
        f"messages.0.content: {NO_TEXT}; messages.0.user: unknown field",
    ),
    "tool calls": (
        {"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]},
        "messages.0.tool_calls.0.id: missing; messages.0.tool_calls.0.function: missing",
    ),
    "half a surrogate pair": (user("\ud800"), f"messages.0.content: {SURROGATE}"),
    "half a pair in a part": (user([{"type": "text", "text": "\udfff"}]), f"messages.0.content.0.text: {SURROGATE}"),
    "half a pair in metadata": ({"messages": [HELLO], "metadata": {"a": "\ud800"}}, f"metadata.a: {SURROGATE}"),
    "half a pair as a name": ({"messages": [HELLO], "\ud800": 1}, f"request: {SURROGATE}"),
    "a name of two lines": ({"messages": [HELLO], "a\nb": 1}, "'a\\nb': unknown field"),
    "several fields": (
        {"messages": [HELLO], "temperature": 3, "max_tokens": 0, "frequency": 1},
        "max_tokens: must be greater than 0; temperature: must be less than or equal to 2; frequency: unknown field",
    ),
    "a number as text": ({"messages": [HELLO], "temperature": "1"}, "temperature: must be a valid number"),
    "a number as truth": ({"messages": [HELLO], "max_tokens": True}, "max_tokens: must be a valid integer"),
    "not a number": ({"messages": [HELLO], "timeout": float("nan")}, "timeout: must be a finite number"),
    "a huge number": ({"messages": [HELLO], "seed": 10**5000}, f"seed: must be less than {2**63}"),
    "two limits": (
        {"messages": [HELLO], "max_tokens": 1, "max_completion_tokens": 2},
        "request: max_tokens and max_completion_tokens differ; set one",
    ),
    "two answers": (
        {"messages": [HELLO], "n": 2},
        "n: must be 1: a completion is one answer; queue one request for each",
    ),
    "a stream": (
        {"messages": [HELLO], "stream": True},
        "stream: must be false: nothing of an answer is published before it is whole",
    ),
    "no such tier": ({"messages": [HELLO], "model": "gpt-4"}, f"model: {NO_TIER}"),
    "five stops": ({"messages": [HELLO], "stop": list("abcde")}, "stop: must have at most 4 items"),
    "a million messages": ({"messages": [0] * 1_000_000}, "messages: must have at most 10000 items"),
    "a million fields": (dict.fromkeys(map(str, range(1_000_000))), "request: must have at most 64 items"),
}


@pytest.mark.parametrize(("payload", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_is_refused_with_its_fields_and_the_reasons(payload, message):
    with pytest.raises(InvalidRequest) as refused:
        parse(payload, TIERS)
    assert str(refused.value) == message


def test_a_refusal_names_twenty_fields_and_counts_the_rest():
    with pytest.raises(InvalidRequest, match=r"x19: unknown field; and 5 more$"):
        parse({"messages": [HELLO], **{f"x{index}": 1 for index in range(25)}}, TIERS)


@pytest.mark.parametrize("change", [{"model": "gpt-4"}, {"temperature": 9.0}, {"messages": ()}])
def test_a_request_that_is_already_one_is_checked_again(change):
    built = CompletionRequest.model_validate({"messages": [HELLO]}).model_copy(update=change)
    with pytest.raises(InvalidRequest, match=next(iter(change))):
        parse(built, TIERS)


def test_nesting_of_any_depth_is_refused_like_any_other_value():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    for payload in ({"messages": nested}, user(nested), {"messages": [HELLO], "metadata": {"a": nested}}):
        with pytest.raises(InvalidRequest):
            parse(payload, TIERS)


TEXT = st.text(st.characters(), max_size=5)  # with lone surrogates, as json.loads makes them
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
NAMES = st.sampled_from([*CompletionRequest.model_fields, "role", "content", "type", "text", "tool_calls"]) | TEXT
VALUES = st.recursive(
    SCALARS | st.sampled_from(["user", "assistant", "text", "fast"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.lists(st.just(HELLO) | st.fixed_dictionaries({"role": st.just("user"), "content": VALUES}), max_size=3)
PAYLOADS = VALUES | st.builds(
    lambda fields, messages: fields | {"messages": messages}, st.dictionaries(NAMES, VALUES), MESSAGES
)


def answered(payload):
    try:
        return parse(payload, TIERS)
    except InvalidRequest as exc:
        return str(exc)


@given(PAYLOADS)
def test_any_json_is_a_request_that_round_trips_or_one_line_of_reasons(payload):
    answer = answered(payload)
    if isinstance(answer, str):
        assert answer.isprintable()
    else:
        sent = json.dumps(answer.wire(), allow_nan=False, ensure_ascii=False).encode()
        assert answered(json.loads(sent)) == answer


@given(st.text(st.characters(codec="ascii", categories=["Lu"]), min_size=12, max_size=40))
def test_a_refusal_never_quotes_a_message(secret):
    payload = {"messages": [{"role": secret, "content": secret}, {"role": "user", "content": {"text": secret}}]}
    with pytest.raises(InvalidRequest) as refused:
        parse({**payload, "n": secret, "stop": [[secret]]}, TIERS)
    assert secret not in str(refused.value)
