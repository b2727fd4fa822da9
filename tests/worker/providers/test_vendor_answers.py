"""What we read of an answer is what the vendors' own clients read of the same bytes."""

from collections.abc import Callable

import pytest

from config.providers import Dialect, Provider
from tests.worker.providers.asking import KEY, asked, failure, provider, request
from tests.worker.providers.bare_server import HEAD, Talk, chunk, responds, sends, serving
from tests.worker.providers.vendor_clients import ours, theirs
from tests.worker.providers.wires import Saying, anthropic_plain, anthropic_stream, openai_plain, openai_stream
from worker.errors import AttemptFailed

WIRES = {
    ("openai", True): openai_stream,
    ("openai", False): openai_plain,
    ("llama_cpp", True): openai_stream,
    ("llama_cpp", False): openai_plain,
    ("anthropic", True): anthropic_stream,
    ("anthropic", False): anthropic_plain,
}
CITY = {"city": "Oslo", "note": 'a "quoted" \\ line\n', "list": [1, None, {"deep": True}]}
ODD = 'Grüße 😀 \u202e "content":"x"\n\ndata: [DONE]\n\n"type":"message_stop" \x00 \u2028 {"error": 1}'
ANSWERED: dict[str, Saying] = {
    "text": Saying("Because of Rayleigh scattering."),
    "one character at a time": Saying("Slow words", step=1),
    "unicode": Saying(ODD),
    "white space": Saying(" "),
    "JSON of a schema": Saying('{"city": "Oslo", "degrees": -3.5}'),
    "cut by the length": Saying("Because of Ray", finish="length"),
    "nothing within the length": Saying(finish="length"),
    "thinking": Saying("42", hidden="Let me think of it.", reasoning=6),
    "cached": Saying("Hi", cached=11),
    "a tool": Saying(calls=(("call_1", "weather", CITY),), finish="tool_calls"),
    "a tool without arguments": Saying(calls=(("call_1", "clock", {}),), finish="tool_calls"),
    "parallel tools": Saying(
        calls=(("call_1", "weather", CITY), ("call_2", "weather", {"city": "Rome"}), ("call_3", "clock", {})),
        finish="tool_calls",
    ),
    "text, thought and a tool": Saying(
        "Let me see.", (("toolu_01", "weather", CITY),), "tool_calls", "Which?", cached=2, reasoning=1
    ),
    "a forced tool": Saying(calls=(("call_1", "weather", CITY),), finish="stop"),
}
REFUSED: dict[str, tuple[Saying, str]] = {
    "empty": (Saying(), "empty"),
    "only thought": (Saying(hidden="Hm."), "empty"),
    "filtered": (Saying("I", finish="content_filter"), "refusal"),
    "filtered at once": (Saying(finish="content_filter"), "refusal"),
}
DIALECTS: list[Dialect] = ["openai", "llama_cpp", "anthropic"]


def answering(dialect: Dialect, stream: bool, said: Saying) -> Talk:
    body = WIRES[dialect, stream](said)
    if not stream:
        return responds(b"200 OK", body, b"Content-Type: application/json")
    return sends(HEAD + b"".join(chunk(body[at : at + 50]) for at in range(0, len(body), 50)) + b"0\r\n\r\n")


def at(dialect: Dialect, url: str, stream: bool) -> Provider:
    return provider(dialect, url).model_copy(update={"stream": stream})


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_read_is_what_the_vendors_client_reads(
    dialect: Dialect, stream: bool, record_property: Callable[[str, object], None]
) -> None:
    for name, said in ANSWERED.items():
        with serving(answering(dialect, stream, said)) as bare:
            read = ours(asked(at(dialect, bare.url, stream)))
            assert read == theirs(dialect, bare.url, KEY, stream), name
            assert (read.text, [call[2] for call in read.calls]) == (said.text, [call[2] for call in said.calls])
    record_property("counted", f"{len(ANSWERED)} answers as its client reads them")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_answer_is_a_failed_attempt(dialect: Dialect, stream: bool, case: str) -> None:
    said, reason = REFUSED[case]
    with serving(answering(dialect, stream, said)) as bare:
        assert failure(at(dialect, bare.url, stream)).reason == reason


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_a_refusal_in_openais_own_field_is_a_refusal(stream: bool) -> None:
    with serving(answering("openai", stream, Saying(refusal="I cannot."))) as bare:
        assert failure(at("openai", bare.url, stream)).reason == "refusal"
        assert theirs("openai", bare.url, KEY, stream).finish == "content_filter"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop_sequence", "stop"), ("model_context_window_exceeded", "length"), ("pause_turn", None)],
)
def test_anthropics_other_ends_are_openais_or_none(stream: bool, reason: str, finish: str | None) -> None:
    with serving(answering("anthropic", stream, Saying("So", finish=reason))) as bare:
        try:
            ended = asked(at("anthropic", bare.url, stream)).finish_reason
        except AttemptFailed as failed:
            assert (failed.reason, finish) == ("aborted", None)  # noqa: PT017  either is right
        else:
            assert ended == finish


def test_a_plain_answer_shows_no_first_token_and_tells_of_it_at_once() -> None:
    came: list[int] = []
    with serving(answering("openai", False, Saying("Hi"))) as bare:
        answer = asked(at("openai", bare.url, False), request(), on_first_byte=lambda: came.append(1))
    assert (answer.first_token_ms, came) == (None, [1])
