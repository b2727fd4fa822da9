import re
from typing import Any

import pytest
from pydantic import SecretStr

from config.providers import Dialect, Model
from tests.worker.providers.asking import KEY, body, failure, provider, request
from tests.worker.providers.request_cases import HELLO, call, calls, result
from worker.providers.anthropic.request import JSON_ONLY, MAX_TOKENS
from worker.providers.dialects import DIALECTS
from worker.request import CompletionRequest, parse

USER = ("user", "Hello")
EVERY_FIELD: dict[str, Any] = {
    "max_tokens": 7,
    "temperature": 1.5,
    "top_p": 0.5,
    "stop": ["END"],
    "seed": 3,
    "user": "u1",
    "metadata": {"ours": "only"},
    "timeout": 9.0,
    "model": "fast",
}


def texts(*parts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": part} for part in parts]


def test_every_field_goes_to_openai_by_its_name() -> None:
    assert body("openai", request(USER, **EVERY_FIELD)) == {
        "model": "a-model",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 7,
        "temperature": 1.5,
        "top_p": 0.5,
        "stop": ["END"],
        "seed": 3,
        "user": "u1",
    }


def test_llama_cpp_gets_its_own_names_and_no_user() -> None:
    assert body("llama_cpp", request(("developer", "Be brief"), USER, max_completion_tokens=7, user="u1")) == {
        "model": "a-model",
        "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
    }


@pytest.mark.parametrize(("knows", "role"), [(True, "developer"), (False, "system")])
def test_a_developer_is_the_system_where_the_provider_knows_none(knows: bool, role: str) -> None:
    sent = body("openai", request(("developer", "Be brief"), USER), developer_role=knows)
    assert [message["role"] for message in sent["messages"]] == [role, "user"]


def test_mistral_gets_ids_of_nine_letters_the_same_in_call_and_result() -> None:
    known, ids = "D681PevKs", ("D681PevKs", "call_1", "toolu_01", "D681PevKs")
    turns = [each for id_ in ids for each in (calls(call(id_)), result(id_))]
    messages = body("openai", parse({"messages": [HELLO, *turns]}, ("default",)), short_call_ids=True)["messages"]
    made = [message["tool_calls"][0]["id"] for message in messages if "tool_calls" in message]
    assert made == [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert made[0] == known
    assert len(set(made)) == 4
    assert all(re.fullmatch("[A-Za-z0-9]{9}", id_) for id_ in made)


def test_anthropic_gets_its_own_names_and_nothing_it_refuses() -> None:
    assert body("anthropic", request(USER, **EVERY_FIELD)) == {
        "model": "a-model",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": texts("Hello")}],
        "stream": True,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
    }


def test_anthropic_gets_a_limit_where_the_producer_set_none() -> None:
    assert body("anthropic", request(USER, top_p=0.5)) == {
        "model": "a-model",
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": texts("Hello")}],
        "stream": True,
    }


@pytest.mark.parametrize(
    ("dialect", "field"),
    [("openai", "max_completion_tokens"), ("llama_cpp", "max_tokens"), ("anthropic", "max_tokens")],
)
def test_no_model_is_asked_for_more_than_it_gives(dialect: Dialect, field: str) -> None:
    short = Model(name="a-model", max_output=100)
    assert body(dialect, request(USER, max_tokens=5000), short)[field] == 100


def test_all_instructions_are_anthropics_system_prompt() -> None:
    asked = request(("system", "One."), USER, ("developer", texts("Two", " and a half.")), ("system", ""))
    assert body("anthropic", asked)["system"] == "One.\n\nTwo and a half."


def test_json_mode_is_anthropics_last_instruction() -> None:
    form = {"response_format": {"type": "json_object"}}
    asked = request(("system", "Be brief."), USER, **form)
    assert body("anthropic", asked)["system"] == f"Be brief.\n\n{JSON_ONLY}"
    assert body("anthropic", request(USER, **form))["system"] == JSON_ONLY
    assert body("anthropic", asked, drop_params=["response_format"])["system"] == "Be brief."


def test_json_mode_is_an_instruction_behind_what_a_request_marks() -> None:
    marked = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    asked = request(("system", marked), USER, response_format={"type": "json_object"})
    assert body("anthropic", asked)["system"] == [*marked, *texts(JSON_ONLY)]


def test_neighbours_of_one_role_are_one_turn_of_anthropics_and_empty_text_is_left_out() -> None:
    asked = request(("user", "a"), ("user", texts("b", "", "c")), ("assistant", ""), ("assistant", "d"), ("user", "e"))
    assert body("anthropic", asked)["messages"] == [
        {"role": "user", "content": texts("a", "b", "c")},
        {"role": "assistant", "content": texts("d")},
        {"role": "user", "content": texts("e")},
    ]


def test_neighbours_of_one_role_are_one_message_of_llama_cpps() -> None:
    asked = request(
        ("system", "a"), ("developer", "b"), ("user", "c"), ("user", "d"), ("assistant", "e"), ("user", "f")
    )
    found = [(message["role"], message["content"]) for message in body("llama_cpp", asked)["messages"]]
    assert [role for role, _ in found] == ["system", "user", "assistant", "user"]
    assert all(text in found[0][1] for text in "ab")
    assert all(text in found[1][1] for text in "cd")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_conversation_that_ends_with_the_assistant_is_sent_as_it_is(dialect: Dialect) -> None:
    assert body(dialect, request(USER, ("assistant", "Dear")))["messages"][-1]["role"] == "assistant"


def test_parts_and_names_go_to_openai_as_they_came() -> None:
    message = {"role": "user", "content": texts("a", "b"), "name": "ann"}
    asked = CompletionRequest.model_validate({"messages": [message]})
    assert body("openai", asked)["messages"] == [message]


@pytest.mark.parametrize(
    ("dialect", "headers"),
    [
        ("openai", {"Authorization": f"Bearer {KEY}"}),
        ("llama_cpp", {"Authorization": f"Bearer {KEY}", "Connection": "close"}),
        ("anthropic", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}),
    ],
)
def test_the_key_goes_into_the_dialects_header(dialect: Dialect, headers: dict[str, str]) -> None:
    assert DIALECTS[dialect].headers(provider(dialect, "http://127.0.0.1:1")) == headers


@pytest.mark.parametrize("key", ["sk-secret\n", "sk-sécret", "sk-secret\r\nX-Evil: 1"])
def test_a_key_that_no_header_can_carry_is_a_bad_key_and_stays_secret(key: str) -> None:
    bad = provider("openai", "http://127.0.0.1:1").model_copy(update={"api_key": SecretStr(key)})
    failed = failure(bad)
    assert failed.codes == ("invalid_api_key",)
    assert "cret" not in repr(failed)
