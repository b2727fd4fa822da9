"""Whatever a server sends is a right answer or one of our errors, in bounded memory and nobody else's hands."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.outcomes import Outcome
from config.providers import Dialect
from tests.worker.providers.asking import asked, data, failure, provider, revoked_if
from tests.worker.providers.bare_server import HEAD, chunk, repeats, responds, sends, serving, stalls, streams
from tests.worker.providers.test_vendor_answers import ANSWERED, WIRES, at
from tests.worker.providers.vendor_clients import ours
from worker.chain.classify import classify
from worker.errors import AttemptFailed
from worker.providers.http.sse import MOST

DIALECTS: list[Dialect] = ["openai", "llama_cpp", "anthropic"]
SAID = ANSWERED["text, thought and a tool"]
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = """type choices delta message usage error finish_reason stop_reason code content tool_calls function name id
arguments index input text content_block partial_json model tool_use text_delta input_json_delta thinking stop"""
WORDS = st.sampled_from(KEYS.split())
JSON = st.recursive(
    LEAVES | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
PLAINS = st.builds(
    lambda body, more: json.dumps({**body, **more}).encode(),
    st.sampled_from([json.loads(WIRES[dialect, False](said)) for dialect in DIALECTS for said in ANSWERED.values()]),
    st.dictionaries(WORDS, JSON, max_size=3),
)


def right_or_ours(dialect: Dialect, url: str, stream: bool) -> None:
    try:
        answer = asked(at(dialect, url, stream))
    except AttemptFailed as failed:
        assert classify(failed, {}).outcome in Outcome  # noqa: PT017  either is right
    else:
        assert json.dumps(answer.message, ensure_ascii=False).encode()
        assert answer.finish_reason in ("stop", "length", "tool_calls")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_bytes_as_a_plain_body_are_an_answer_or_a_failed_attempt(dialect: Dialect) -> None:
    bodies: list[bytes] = [b""]
    with serving(lambda bare, sock: responds(b"200 OK", bodies[0])(bare, sock)) as bare:

        @SLOW
        @given(st.binary() | st.builds(lambda value: json.dumps(value).encode(), JSON) | PLAINS)
        def check(body: bytes) -> None:
            bodies[0] = body
            right_or_ours(dialect, bare.url, False)

        check()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_events_among_a_right_stream_are_an_answer_or_a_failed_attempt(dialect: Dialect) -> None:
    events = [event + b"\n\n" for event in WIRES[dialect, True](SAID).split(b"\n\n") if event]
    strange = st.builds(data, st.dictionaries(WORDS, JSON, max_size=6))
    bodies: list[list[bytes]] = [[]]
    with serving(lambda bare, sock: streams(*bodies[0])(bare, sock)) as bare:

        @SLOW
        @given(st.lists(st.tuples(st.integers(0, len(events)), strange), max_size=4), st.sets(st.integers(0, 40)))
        def check(more: list[tuple[int, bytes]], less: set[int]) -> None:
            kept: list[Any] = [event for index, event in enumerate(events) if index - 1 not in less]
            for index, event in more:
                kept.insert(index, event)
            bodies[0] = kept
            right_or_ours(dialect, bare.url, True)

        check()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_chunking_of_calls_and_thoughts_is_the_same_answer(dialect: Dialect) -> None:
    body = WIRES[dialect, True](SAID)
    bodies: list[list[bytes]] = [[body]]
    with serving(lambda bare, sock: streams(*bodies[0])(bare, sock)) as bare:
        whole = ours(asked(at(dialect, bare.url, True)))
        assert whole.calls[0][2] == SAID.calls[0][2]

        @settings(max_examples=25, deadline=None)
        @given(st.lists(st.integers(0, len(body)), max_size=60))
        def check(places: list[int]) -> None:
            cuts = [0, *sorted(places), len(body)]
            bodies[0] = [body[a:b] for a, b in itertools.pairwise(cuts) if a < b]
            assert ours(asked(at(dialect, bare.url, True))) == whole

        check()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_cut_anywhere_is_never_part_of_an_answer(dialect: Dialect) -> None:
    body = WIRES[dialect, True](SAID)
    cut: list[int] = [0]
    with serving(lambda bare, sock: sends(HEAD, chunk(body[: cut[0]] or b":\n\n"), keep=False)(bare, sock)) as bare:
        for cut[0] in range(0, len(body), 97):
            try:
                read = ours(asked(at(dialect, bare.url, True)))
            except AttemptFailed as failed:
                assert failed.reason == "truncated"  # noqa: PT017  the end may be cut off unnoticed
            except AssertionError:
                continue  # whole but for its usage
            else:
                assert (read.text, read.calls[0][2]) == (SAID.text, SAID.calls[0][2])


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_any_order_of_headers_is_the_same_answer(stream: bool) -> None:
    body = WIRES["anthropic", stream](SAID)
    names = [b"Content-Type: application/json", b"request-id: req_1", b"Content-Length: %d" % len(body)]
    names += [b"Server: x", b"X-Many: 1", b"X-Many: 2", b"retry-after: soon"]
    heads: list[list[bytes]] = [names]

    def talk(bare: Any, sock: Any) -> bool:
        return sends(b"\r\n".join([b"HTTP/1.1 200 OK", *heads[0], b"", body]))(bare, sock)

    with serving(talk) as bare:

        @settings(max_examples=30, deadline=None)
        @given(st.permutations(names))
        def check(order: list[bytes]) -> None:
            heads[0] = order
            answer = asked(at("anthropic", bare.url, stream))
            assert (answer.message["content"], answer.request_id) == (SAID.text, "req_1")

        check()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("depth", [900, 100_000])
def test_nesting_of_any_depth_is_malformed_or_ignored(stream: bool, depth: int) -> None:
    deep = b'{"choices":' + b"[" * depth + b"]" * depth + b"}"
    with serving(responds(b"200 OK", b"data: " + deep + b"\n\n" if stream else deep)) as bare:
        assert failure(at("openai", bare.url, stream)).reason == "malformed"


def test_the_input_of_a_tool_may_not_be_nested_beyond_what_can_be_written() -> None:
    deep = b'{"content":[{"type":"tool_use","id":"a","name":"b","input":{"a":' + b"[" * 900 + b"]" * 900
    with serving(responds(b"200 OK", deep + b'}}],"stop_reason":"tool_use"}')) as bare:
        right_or_ours("anthropic", bare.url, False)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_a_body_without_an_end_is_given_up(stream: bool) -> None:
    head = HEAD if stream else HEAD.replace(b"text/event-stream", b"application/json")
    with serving(repeats(head, chunk(b" " * 1_000_000))) as bare:
        failed = failure(at("openai", bare.url, stream))
    assert (failed.reason, str(MOST) in failed.detail) == ("malformed", True)


@pytest.mark.parametrize("more", [b"X: " + b"a" * 1_000_000, b"\r\n".join(b"X-%d: 1" % n for n in range(100_000))])
def test_headers_without_measure_are_no_answer(more: bytes) -> None:
    with serving(sends(b"HTTP/1.1 200 OK\r\n" + more + b"\r\nContent-Length: 0\r\n\r\n", keep=False)) as bare:
        assert failure(at("openai", bare.url, True)).reason == "malformed"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
def test_a_redirect_is_not_followed(status: bytes) -> None:
    with serving(streams(b"")) as other, serving(responds(status, b"", b"Location: %s" % other.url.encode())) as bare:
        failed = failure(provider("openai", bare.url))
        assert (classify(failed, {}).outcome, other.connections) == (Outcome.MISCONFIGURED, 0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_plain_answer_may_be_silent_until_the_attempts_limit(dialect: Dialect) -> None:
    short = {"first_token_timeout": 0.05, "idle_timeout": 0.05, "attempt_timeout": 0.4}
    for said in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"):
        with serving(stalls(said)) as bare:
            plain = provider(dialect, bare.url, **short).model_copy(update={"stream": False})
            assert failure(plain).reason == "attempt_timeout"
            assert failure(plain, within=0.1).reason == "deadline"


def test_a_revoked_task_is_cut_in_a_plain_answer() -> None:
    with serving(responds(b"200 OK", WIRES["openai", False](SAID))) as bare:
        assert failure(at("openai", bare.url, False), check_wanted=revoked_if(lambda: True)).reason == "revoked"


@pytest.mark.parametrize(
    ("dialect", "body", "reason"),
    [
        ("openai", b'{"error":{"message":"m","type":"server_error"}}', "stream_error"),
        ("openai", b'{"choices":[]}', "truncated"),
        ("openai", b"[]", "malformed"),
        ("openai", b"", "truncated"),
        ("openai", b'{"choices":[{"message":{"content":"x"},"finish_reason":"tool_calls"}]}', "broken_call"),
        ("anthropic", b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "stream_error"),
        ("anthropic", b'{"content":"x","stop_reason":"end_turn"}', "malformed"),
        ("anthropic", b'{"content":[{"type":"tool_use","id":"a"}],"stop_reason":"tool_use"}', "broken_call"),
        ("anthropic", b'{"content":[{"type":"text","text":"x"}],"stop_reason":"tool_use"}', "broken_call"),
    ],
)
def test_a_fault_inside_a_plain_200_is_a_failed_attempt(dialect: Dialect, body: bytes, reason: str) -> None:
    with serving(responds(b"200 OK", body)) as bare:
        assert failure(at(dialect, bare.url, False)).reason == reason
