"""Answers that have not the asked form, on every wire: a failed attempt that names the place and quotes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from config.outcomes import Outcome
from config.providers import Dialect
from tests.end_to_end import failing_server
from tests.worker.providers.asking import anthropic_stop, anthropic_text, asked, data, failure, provider, request
from tests.worker.providers.bare_server import serving, streams
from worker.chain.classify import classify

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "number"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
RIGHT = json.dumps({"city": "Oslo", "degrees": -3.5})
WRONG = json.dumps({"city": "Oslo", "degrees": "Kristiania"})
OBJECT = {"type": "json_object"}
WIRES: dict[Dialect, Any] = {
    "openai": failing_server.openai,
    "llama_cpp": failing_server.openai,
    "anthropic": failing_server.anthropic,
}


def strict(schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}


def said(text: str, dialect: Dialect = "openai") -> list[bytes]:
    events: list[bytes] = WIRES[dialect]("m", text, 3, 2)
    return events


def content(text: str, dialect: Dialect = "openai", **fields: Any) -> Any:
    with serving(streams(*said(text, dialect))) as bare:
        return asked(provider(dialect, bare.url), request(**fields)).message["content"]


def told(text: str, dialect: Dialect = "openai", **fields: Any) -> str:
    with serving(streams(*said(text, dialect))) as bare:
        failed = failure(provider(dialect, bare.url), request(**fields))
    assert failed.reason == "wrong_form"
    assert classify(failed, {}).outcome == Outcome.NONCONFORMING
    return failed.said


@pytest.mark.parametrize("dialect", WIRES)
def test_an_answer_of_the_asked_form_comes_as_it_was(dialect: Dialect) -> None:
    assert content(RIGHT, dialect, response_format=strict()) == RIGHT


@pytest.mark.parametrize("dialect", WIRES)
def test_an_answer_of_another_form_is_a_failed_attempt(dialect: Dialect) -> None:
    assert told(WRONG, dialect, response_format=strict()) == "degrees: breaks type"


BROKEN = {
    "prose": ("Oslo is cold.", "the answer is not JSON"),
    "prose and JSON": (f"Here it is: {RIGHT}", "the answer is not JSON"),
    "JSON and prose": (f"{RIGHT}\nAnything else?", "the answer is not JSON"),
    "half": (RIGHT[:-1], "the answer is not JSON"),
    "two": (RIGHT + RIGHT, "the answer is not JSON"),
    "no number": (RIGHT.replace("-3.5", "NaN"), "the answer is not JSON"),
    "half of a surrogate pair": (RIGHT.replace("Oslo", r"\ud800"), "the answer is not JSON"),
    "a hundred thousand levels": ("[" * 100_000 + "]" * 100_000, "the answer is not JSON"),
    "another value": ("[]", "the answer: breaks type"),
    "a name too few": ("{}", "the answer: breaks required"),
    "a fence around it": (f"```json\n{WRONG}\n```", "degrees: breaks type"),
}


@pytest.mark.parametrize(("text", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_told_and_nothing_quoted(text: str, expected: str) -> None:
    assert told(text, response_format=strict()) == expected


@pytest.mark.parametrize("text", ["42", '"{}"', "[{}]", "null", "Oslo", "{'a': 1}"])
def test_json_mode_wants_an_object(text: str) -> None:
    with serving(streams(*said(text))) as bare:
        failed = failure(provider("openai", bare.url), request(response_format=OBJECT))
    assert failed.said in ("the answer is not JSON", "the answer is not a JSON object")
    assert content('{"a": 1}', response_format=OBJECT) == '{"a": 1}'


FENCES = ["```json\n{}\n```", "```\n{}\n```", "\n```JSON\r\n  {}\n\n```\n\n", "``` json\n{}```"]


@pytest.mark.parametrize("text", FENCES)
def test_a_markdown_fence_is_taken_off(text: str) -> None:
    bare = text.replace("{}", RIGHT)
    assert content(bare, response_format=strict()) == RIGHT
    assert content(bare, response_format=OBJECT) == RIGHT


@pytest.mark.parametrize(
    "text", ["```python\n{}\n```", "``{}``", "``````", "```", "```json {}```", "```json\n{}\n``` ok"]
)
def test_other_fences_are_no_json(text: str) -> None:
    assert told(text, response_format=OBJECT) == "the answer is not JSON"


def test_json_with_a_fence_in_it_stays_as_it_is() -> None:
    text = json.dumps({"city": "```json\n{}\n```", "degrees": 1})
    assert content(text, response_format=strict()) == text


UNCHECKED: dict[str, dict[str, Any]] = {
    "no form": {},
    "a schema that is not strict": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    },
    "not wanted": {"response_format": strict(), "check_schema": False},
    "JSON mode, not wanted": {"response_format": OBJECT, "check_schema": False},
}


@pytest.mark.parametrize("fields", UNCHECKED.values(), ids=UNCHECKED)
def test_what_nobody_wants_checked_comes_as_it_was(fields: dict[str, Any]) -> None:
    for text in ("Oslo is cold.", WRONG, f"```json\n{RIGHT}\n```"):
        assert content(text, **fields) == text


def ended() -> Iterator[tuple[Dialect, str, list[bytes]]]:
    call = {"index": 0, "id": "call_1", "function": {"name": "look_up", "arguments": "{}"}}
    for word, delta in (("length", {"content": "{"}), ("tool_calls", {"content": "Wait.", "tool_calls": [call]})):
        choices = [{"index": 0, "delta": delta, "finish_reason": word}]
        yield "openai", word, [data({"id": "1", "choices": choices}), b"data: [DONE]\n\n"]
    yield (
        "anthropic",
        "length",
        [failing_server.anthropic("m", "", 1, 1)[0], anthropic_text("{"), anthropic_stop("max_tokens")],
    )


@pytest.mark.parametrize(("dialect", "word", "events"), list(ended()))
def test_an_answer_that_ends_for_another_reason_is_not_checked(
    dialect: Dialect, word: str, events: list[bytes]
) -> None:
    with serving(streams(*events)) as bare:
        assert asked(provider(dialect, bare.url), request(response_format=strict())).finish_reason == word


def test_an_answer_that_was_begun_is_not_checked() -> None:
    turns = (("user", "The weather as JSON."), ("assistant", '{"city":'))
    with serving(streams(*said('"Oslo"}'))) as bare:
        answer = asked(provider("openai", bare.url), request(*turns, response_format=strict()))
    assert answer.message["content"] == '"Oslo"}'
