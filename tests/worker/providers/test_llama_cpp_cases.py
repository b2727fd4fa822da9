"""The cases against a real llama.cpp, on its OpenAI side and on its Anthropic side, streamed and plain."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.providers import Dialect, Provider
from tests.worker.providers import llama_cpp_server
from tests.worker.providers.asking import KEY, asked, failure, provider
from tests.worker.providers.request_cases import CLOCK, FIELDS, HELLO, MESSAGES, NAMED, WEATHER
from tests.worker.providers.saying_model import write_saying
from tests.worker.providers.vendor_clients import ours, theirs
from worker.errors import AttemptFailed
from worker.providers.http import client
from worker.request import CompletionRequest, parse
from worker.result import Answer, completion

pytest.importorskip("xllamacpp", reason="the real llama.cpp is not installed (extra `local`)")
DIALECTS: list[Dialect] = ["llama_cpp", "openai", "anthropic"]
TEXT = "Grüße 😀, let me see."
CALLS = ("\n<tool_call>\n", '{"name": "weather", "argum', 'ents": {"city": "Os', 'lo"}', "}\n</tool_call>",
         '\n<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>')  # fmt: skip
SHORT = {"max_tokens": 16}
UNSEEN = {"images", "files"}
SEEN = {
    name: messages
    for name, messages in MESSAGES.items()
    if not parse({"messages": messages}, ("default",)).needs & UNSEEN
}
CASES: list[dict[str, Any]] = [
    *({"messages": messages, **SHORT} for messages in SEEN.values()),
    *({"messages": messages, "tools": [WEATHER, CLOCK], **SHORT} for messages in SEEN.values()),
    *({"messages": [HELLO], **SHORT, **fields} for name, fields in FIELDS.items() if "length by" not in name),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("model") / "saying.gguf"
    write_saying(path, TEXT, *CALLS)
    with llama_cpp_server.running(path, KEY, context=4096) as url:
        yield url


def at(dialect: Dialect, url: str, stream: bool) -> Provider:
    return provider(dialect, url).model_copy(update={"stream": stream})


@pytest.fixture(autouse=True)
def no_kept_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_client", client._Client())


def answered(provider: Provider, request: CompletionRequest) -> Answer:
    """Asks again over a new connection: the server closes one after each stream, whatever its Keep-Alive says.

    The dialect `llama_cpp` keeps none, and meets this only where another has left one.
    """
    try:
        return asked(provider, request)
    except AttemptFailed as failed:
        if failed.reason != "connection":
            raise
    return asked(provider, request)


def asking(**fields: Any) -> CompletionRequest:
    return parse({"messages": [HELLO], **fields}, ("default",))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_server_takes_and_answers_every_case(
    server: str, dialect: Dialect, stream: bool, record_property: Callable[[str, object], None]
) -> None:
    ask = asked if dialect == "llama_cpp" else answered
    for case in CASES:
        # Its Anthropic side ignores the form that an answer should have.
        answer = ask(at(dialect, server, stream), parse({**case, "check_schema": False}, ("default",)))
        assert answer.usage is not None
        assert answer.usage.completion > 0
    record_property("counted", f"{len(CASES)} requests answered")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_servers_text_is_read_as_the_vendors_client_does(server: str, dialect: Dialect, stream: bool) -> None:
    read = ours(answered(at(dialect, server, stream), asking(max_tokens=64)))
    client = theirs(dialect, server, KEY, stream, max_tokens=64)
    assert (read.text, read.finish) == (client.text, client.finish) == (TEXT + "".join(CALLS), "stop")
    assert (read.usage.prompt, read.usage.completion) == (client.usage.prompt, client.usage.completion)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_servers_end_is_told(server: str, dialect: Dialect, stream: bool) -> None:
    cut = answered(at(dialect, server, stream), asking(max_tokens=1))
    assert (cut.message["content"], cut.finish_reason) == (TEXT, "length")
    stopped = answered(at(dialect, server, stream), asking(max_tokens=64, stop=", let"))
    assert (stopped.message["content"], stopped.finish_reason) == ("Grüße 😀", "stop")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_real_servers_calls_are_read_and_go_on_with_the_others(server: str, dialect: Dialect, stream: bool) -> None:
    answer = answered(at(dialect, server, stream), asking(tools=[WEATHER, CLOCK]))
    calls = ours(answer).calls
    assert [(name, arguments) for _, name, arguments in calls] == [("weather", {"city": "Oslo"}), ("clock", {})]
    assert answer.finish_reason == "tool_calls"
    message = json.loads(json.dumps(completion(answer, 0.0, {})))["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call[0], "content": "12 degrees"} for call in calls]
    for then in DIALECTS:
        onward = asking(messages=[HELLO, message, *results], tools=[WEATHER, CLOCK])
        assert answered(at(then, server, stream), onward).finish_reason == "tool_calls"


def test_llama_cpp_is_given_the_named_tool_alone(server: str) -> None:
    answer = answered(at("llama_cpp", server, True), asking(tools=[CLOCK], tool_choice=NAMED, max_tokens=64))
    assert answer.usage is not None


@pytest.mark.parametrize("dialect", ["llama_cpp", "openai"])
def test_a_real_server_holds_an_answer_to_its_schema(server: str, dialect: Dialect) -> None:
    schema = {"type": "object", "properties": {"a": {"const": "b"}}, "required": ["a"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}
    answer = answered(at(dialect, server, False), asking(response_format=form, max_tokens=200))
    assert answer.finish_reason == "length" or json.loads(answer.message["content"]) == {"a": "b"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_without_eyes_fails_an_image(server: str, dialect: Dialect) -> None:
    failed = failure(at(dialect, server, True), asking(messages=MESSAGES["image data"]))
    assert (failed.status, "image input is not supported" in failed.detail) == (500, True)
