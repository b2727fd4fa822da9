"""What callers replay and send is taken: answers of any server, older forms, fields that only ask for the usual."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessage

from tests.worker.providers.request_cases import CLOCK, HELLO, call, calls, result, user
from worker.errors import InvalidRequest
from worker.request import parse
from worker.request.replayed import ANSWER_FIELDS
from worker.request.version import FIRST_VERSION, LATEST_VERSION, version

TIERS = ("default",)
CALL = call("call_1", "clock", "{}")


def wire(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = parse({"messages": list(messages), **fields}, TIERS).wire()
    assert parse(json.loads(json.dumps(found)), TIERS).wire() == found
    return found


def answer(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "Hi.", **fields}


TAKEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "OpenAI": (
        answer(refusal=None, annotations=[], audio=None, function_call=None, tool_calls=None),
        answer(tool_calls=None),
    ),
    "OpenAI, with sources": (answer(annotations=[{"type": "url_citation", "url_citation": {"url": "x"}}]), answer()),
    "OpenAI, refused": (answer(content=None, refusal="No."), answer(content="No.")),
    "OpenAI, refused in parts": (
        answer(content=[{"type": "refusal", "refusal": "No."}]),
        answer(content=[{"type": "text", "text": "No."}]),
    ),
    "OpenAI, spoken": (
        answer(content=None, audio={"id": "a", "data": "AA==", "expires_at": 1, "transcript": "Hi."}),
        answer(),
    ),
    "DeepSeek": (answer(reasoning_content="Hm."), answer()),
    "OpenRouter": (answer(reasoning="Hm.", reasoning_details=[{"type": "reasoning.text", "text": "Hm."}]), answer()),
    "Groq": (answer(reasoning="Hm.", executed_tools=[]), answer()),
    "Gemini": (answer(extra_content={"google": {"thought_signature": "c2ln"}}), answer()),
    "LiteLLM": (answer(thinking_blocks=[{"type": "thinking"}], provider_specific_fields={"a": 1}), answer()),
    "Mistral, thinking": (
        answer(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi."}], prefix=False),
        answer(content=[{"type": "text", "text": "Hi."}]),
    ),
    "nothing said": (answer(content=None), answer(content="")),
    "only thought": (answer(content=None, reasoning_content="Hm."), answer(content="")),
    "only thought, dumped without nulls": ({"role": "assistant", "reasoning_content": "Hm."}, answer(content="")),
    "LiteLLM, thinking in parts": (
        answer(content=[{"type": "redacted_thinking", "data": "eA=="}, {"type": "text", "text": "Hi."}]),
        answer(content=[{"type": "text", "text": "Hi."}]),
    ),
    "MiniMax": (answer(name="MiniMax AI", audio_content="", reasoning_content="Hm."), answer(name="MiniMax_AI")),
}


@pytest.mark.parametrize(("given", "taken"), TAKEN.values(), ids=TAKEN)
def test_an_answer_of_any_server_goes_straight_back(given: dict[str, Any], taken: dict[str, Any]) -> None:
    assert wire(HELLO, given, HELLO)["messages"][1] == taken


@pytest.mark.parametrize("name", ANSWER_FIELDS)
def test_each_field_of_an_answer_may_be_null(name: str) -> None:
    assert wire(HELLO, answer(**{name: None}), HELLO)["messages"][1] == answer()


CALLS: dict[str, dict[str, Any]] = {
    "a stream's index": CALL | {"index": 0},
    "Mistral's, without a type": {"id": "call_1", "function": CALL["function"], "index": 0},
    "Gemini's signature": CALL | {"extra_content": {"google": {"thought_signature": "c2ln"}}},
    "OpenAI's parsed": CALL | {"function": CALL["function"] | {"parsed_arguments": {}}},
    "TGI's, with an object": CALL | {"function": {"description": None, "name": "clock", "arguments": {}}},
    "no arguments": CALL | {"function": {"name": "clock"}},
    "null as arguments": CALL | {"function": {"name": "clock", "arguments": None}},
}


@pytest.mark.parametrize("given", CALLS.values(), ids=CALLS)
def test_a_call_of_any_server_goes_straight_back(given: dict[str, Any]) -> None:
    assert wire(HELLO, calls(given), result("call_1"))["messages"][1] == calls(CALL)


def test_calls_without_ids_and_their_results_get_some_in_order() -> None:
    clock, weather = ({"function": {"name": name, "arguments": "{}"}} for name in ("clock", "weather"))
    unnamed = [result("", "noon"), {"role": "tool", "content": "sunny"}]
    found = wire(HELLO, calls(clock | {"id": ""}, weather | {"id": None}), *unnamed)
    made = (call("call_1_0", "clock", "{}"), call("call_1_1", "weather", "{}"))
    assert found["messages"][1:] == [calls(*made), result("call_1_0", "noon"), result("call_1_1")]


def test_arguments_that_are_no_json_are_refused() -> None:
    with pytest.raises(
        InvalidRequest, match=r"messages\.1\.tool_calls\.0\.function\.arguments: must be a valid string"
    ):
        wire(HELLO, calls(CALL | {"function": {"name": "clock", "arguments": {"a": b"x"}}}), result("call_1"))


def test_objects_of_openais_client_go_straight_back() -> None:
    given = calls(CALL) | {"refusal": None, "annotations": []}
    message = ChatCompletionMessage.model_validate(given)
    expected = [HELLO, calls(CALL), result("call_1")]
    assert wire(HELLO, message, result("call_1"))["messages"] == expected  # type: ignore[arg-type]
    assert wire(HELLO, given | {"tool_calls": message.tool_calls}, result("call_1"))["messages"] == expected


def test_a_result_of_null_is_an_empty_one() -> None:
    assert wire(HELLO, calls(CALL), result("call_1", None))["messages"][2] == result("call_1", "")


def test_the_older_functions_become_tools() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "clock", "arguments": "{}"}}
    answered = {"role": "function", "name": "clock", "content": "noon"}
    found = wire(HELLO, called, answered, functions=[CLOCK["function"]], function_call={"name": "clock"})
    assert found["messages"][1:] == [calls(CALL), result("call_1", "noon") | {"name": "clock"}]
    assert (found["tools"], found["tool_choice"]) == ([CLOCK], CLOCK)


def test_an_image_may_be_its_url_alone() -> None:
    url = "https://example.com/a.png"
    found = wire(user({"type": "text", "text": "?"}, {"type": "image_url", "image_url": url}))
    assert found["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": url}}


USUAL: dict[str, dict[str, Any]] = {
    "the usual": {"n": 1, "stream": False},
    "a stream's options": {"stream_options": {"include_usage": True}},
    "text": {"modalities": ["text"]},
    "nulls": dict.fromkeys(("logprobs", "logit_bias", "service_tier", "prediction", "functions", "stream_options")),
}


@pytest.mark.parametrize("fields", USUAL.values(), ids=USUAL)
def test_fields_that_ask_for_what_happens_anyway_are_read_by_every_worker(fields: dict[str, Any]) -> None:
    found = wire(HELLO, **fields)
    assert version(found) == FIRST_VERSION
    assert not set(found) - {"messages", "n", "stream"}


NEWER: dict[str, dict[str, Any]] = {
    "a field": {"verbosity": "low"},
    "own fields": {"messages": [HELLO, answer(provider_fields={"p": {"model": "m"}}), HELLO]},
    "a mark": {"messages": [HELLO | {"cache_control": {"type": "ephemeral"}}]},
    "a marked tool": {"tools": [CLOCK | {"cache_control": {"type": "ephemeral"}}]},
    "sound": {
        "messages": [
            user(
                {"type": "text", "text": "?"}, {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
            )
        ]
    },
}


@pytest.mark.parametrize("fields", NEWER.values(), ids=NEWER)
def test_what_older_workers_refuse_asks_for_a_newer_one(fields: dict[str, Any]) -> None:
    assert version(parse({"messages": [HELLO], **fields}, TIERS).wire()) == LATEST_VERSION


SPELLINGS: dict[str, tuple[dict[Any, Any], dict[str, Any]]] = {
    "tokens as numbers": ({"logit_bias": {50256: -100}}, {"logit_bias": {"50256": -100}}),
    "OpenAI's older word": ({"prompt_cache_retention": "in-memory"}, {"prompt_cache_retention": "in_memory"}),
}


@pytest.mark.parametrize(("given", "taken"), SPELLINGS.values(), ids=SPELLINGS)
def test_what_is_spelled_otherwise_is_taken(given: dict[str, Any], taken: dict[str, Any]) -> None:
    assert wire(HELLO, **given).items() >= taken.items()


def test_sound_may_be_a_data_url() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64,UklGRg==", "format": "wav"}}
    found = wire(user({"type": "text", "text": "?"}, sound))["messages"][0]["content"][1]
    assert found["input_audio"]["data"] == "UklGRg=="


def test_a_mark_inside_a_function_is_its_tools() -> None:
    mark = {"type": "ephemeral"}
    tool = {"type": "function", "function": {"name": "clock", "cache_control": mark}}
    assert wire(HELLO, tools=[tool])["tools"] == [CLOCK | {"cache_control": mark}]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"temprature": 1}, "temprature: unknown field"),
    "an answer's unknown field": (
        {"messages": [HELLO, answer(reason="x"), HELLO]},
        "messages.1.reason: unknown field",
    ),
    "a call's unknown field": (
        {"messages": [HELLO, calls(CALL | {"idx": 0}), result("call_1")]},
        "messages.1.tool_calls.0.idx: unknown field",
    ),
    "a spoken answer": ({"modalities": ["audio"]}, "modalities.0: must be 'text'"),
    "a penalty": ({"frequency_penalty": 3}, "frequency_penalty: must be less than or equal to 2"),
    "a tier of service": (
        {"service_tier": "two words"},
        "service_tier: String should match pattern '\\A[A-Za-z0-9_.-]{1,64}\\z'",
    ),
    "a file by its id": (
        {"messages": [user({"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": "file-1"}})]},
        "messages.0.content.1.file.file_data: missing; messages.0.content.1.file.file_id: must be null",
    ),
    "a file that is no PDF": (
        {"messages": [user({"type": "text", "text": "?"}, {"type": "file", "file": {"file_data": "aGVsbG8="}})]},
        "messages.0.content.1.file.file_data: must be a PDF as data:application/pdf;base64,...",
    ),
    "functions beside tools": ({"functions": [{"name": "f"}], "tools": [CLOCK]}, "functions: must be null"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_what_nobody_could_mean_is_refused_by_its_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": [HELLO], **fields}, TIERS)
    assert str(refused.value) == message
