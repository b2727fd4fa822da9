"""Answers that break the asked schema: once more, then the next provider, and nothing for the breaker."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.end_to_end import failing_server
from tests.end_to_end.failing_server import FailingServer, failing
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of
from tests.worker.providers.bare_server import Talk, streams
from tests.worker.schema.hostile import HOSTILE
from worker.admission import breaker
from worker.errors import ChainExhausted, InvalidRequest

SETTINGS = """\
[providers.first]
dialect = "openai"
base_url = "{first}/v1"
models.default = {{ name = "m" }}
[providers.second]
dialect = "anthropic"
base_url = "{second}"
models.default = {{ name = "m" }}
[chains.pair]
providers = ["first", "second"]
retry = {{ max_retries = 3, initial_backoff = 0.05 }}
[chains.urgent]
providers = ["first", "second"]
failover = "at-once"
retry = {{ max_retries = 3, initial_backoff = 0.05 }}
"""
SCHEMA = {
    "type": "object",
    "properties": {"cities": {"type": "array", "items": {"$ref": "#/$defs/city"}}},
    "required": ["cities"],
    "$defs": {"city": {"type": "object", "properties": {"name": {"type": "string"}, "degrees": {"type": "number"}}}},
}
SECRET = "Kristiania"
RIGHT = json.dumps({"cities": [{"name": "Oslo", "degrees": -3}]})
WRONG = json.dumps({"cities": [{"name": "Oslo", "degrees": SECRET}]})
WHERE = "cities.0.degrees: breaks type"
HOSTILES = ("a bomb of allOf", "a host", "a file", "a back-reference", "nested repetition", "an unknown type")
PRODUCE = """
import json
from tasks import complete
from worker.errors import InvalidRequest
said = []
for request in json.loads(%r):
    try:
        complete.delay(request, chain="pair")
    except InvalidRequest as refused:
        said.append(str(refused))
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, FailingServer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(failing()) for name in ("first", "second")}


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, servers: dict[str, FailingServer]) -> dict[str, str]:
    file = tmp_path_factory.mktemp("settings") / "fallback.toml"
    file.write_text(SETTINGS.format(**{name: server.url for name, server in servers.items()}), "utf-8")
    return {"FALLBACK_CONFIG": str(file)}


def strict(schema: dict[str, Any] = SCHEMA, **fields: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}
    return {**QUESTION, "response_format": form, **fields}


def openai(text: str) -> Talk:
    return streams(*failing_server.openai("m", text, 3, 2))


def anthropic(text: str) -> Talk:
    return streams(*failing_server.anthropic("m", text, 3, 2))


def assert_untouched(setup: LocalSetup) -> None:
    """The breakers have counted no failure, and nothing that was answered is in the log or the events."""
    assert [(each.state, each.failed) for each in breaker.snapshot(setup.store, ["first", "second"])] == [
        ("closed", 0)
    ] * 2
    assert SECRET not in setup.worker.logs()
    assert SECRET not in json.dumps(setup.events())


def test_a_wrong_answer_is_asked_for_once_more(shared_setup: LocalSetup, servers: dict[str, FailingServer]) -> None:
    servers["first"].script(openai(WRONG), openai(RIGHT))
    result = shared_setup.complete(strict(), "pair").get(timeout=30)
    assert attempts_of(result) == [("first", "nonconforming"), ("first", "success")]
    assert result["fallback"]["attempts"][0]["reason"] == WHERE
    assert result["choices"][0]["message"]["content"] == RIGHT
    assert_untouched(shared_setup)


def test_after_two_wrong_answers_the_next_provider_is_asked(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai(WRONG))
    servers["second"].script(anthropic(RIGHT))
    result = shared_setup.complete(strict(), "pair").get(timeout=30)
    assert attempts_of(result) == [("first", "nonconforming")] * 2 + [("second", "success")]
    assert result["choices"][0]["message"]["content"] == RIGHT
    assert_untouched(shared_setup)


def test_json_mode_goes_on_to_anthropics_dialect_and_is_checked_there_too(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai("Oslo is cold."))
    servers["second"].script(anthropic(f"{RIGHT} Stay warm!"), anthropic(RIGHT))
    asked = {**QUESTION, "response_format": {"type": "json_object"}}
    result = shared_setup.complete(asked, "pair").get(timeout=30)
    expected = [("first", "nonconforming")] * 2 + [("second", "nonconforming"), ("second", "success")]
    assert attempts_of(result) == expected
    assert "one JSON object" in servers["second"].requests[-1].decode()
    assert_untouched(shared_setup)


def test_an_urgent_chain_asks_the_next_provider_at_once(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai("Oslo is cold."))
    servers["second"].script(anthropic(f"```json\n{RIGHT}\n```"))
    result = shared_setup.complete(
        {
            **QUESTION,
            "response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA}},
            "check_schema": True,
        },
        "urgent",
    ).get(timeout=30)
    assert attempts_of(result) == [("first", "nonconforming"), ("second", "success")]
    assert result["choices"][0]["message"]["content"] == RIGHT
    assert_untouched(shared_setup)


def test_where_nobody_answers_right_the_failure_names_each_place(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai(WRONG))
    servers["second"].script(anthropic("{}"))
    with pytest.raises(ChainExhausted) as failed:
        shared_setup.complete(strict(), "pair").get(timeout=30)
    expected = f"first: nonconforming, {WHERE} (2 attempts); second: nonconforming, the answer: breaks required"
    assert str(failed.value) == f"chain 'pair' is exhausted: {expected} (2 attempts)"
    assert_untouched(shared_setup)


def test_any_number_of_wrong_answers_leaves_the_breaker_closed(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai(WRONG))
    servers["second"].script(anthropic(RIGHT))
    pending = [shared_setup.complete(strict(), "pair") for _ in range(6)]
    assert {each.get(timeout=30)["fallback"]["provider"] for each in pending} == {"second"}
    assert_untouched(shared_setup)


def test_a_wrong_answer_that_nobody_wants_checked_is_an_answer(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    servers["first"].script(openai(WRONG))
    result = shared_setup.complete(strict(check_schema=False), "pair").get(timeout=30)
    assert attempts_of(result) == [("first", "success")]
    assert "check_schema" not in servers["first"].requests[-1].decode()


def test_a_hostile_schema_is_refused_by_the_same_words_at_the_producer_and_by_name(
    shared_setup: LocalSetup, servers: dict[str, FailingServer]
) -> None:
    calls = len(servers["first"].requests)
    requests = [strict(HOSTILE[name][0]) for name in HOSTILES]
    said = json.loads(shared_setup.in_this_code_base(PRODUCE % json.dumps(requests)))
    for name, here, request in zip(HOSTILES, said, requests, strict=True):
        _, path, reason = HOSTILE[name]
        assert here.startswith(f"response_format.json_schema.schema.{path}: {reason}")
        with pytest.raises(InvalidRequest) as refused:
            shared_setup.complete(request, "pair").get(timeout=30)
        assert str(refused.value) == here
    assert len(servers["first"].requests) == calls
