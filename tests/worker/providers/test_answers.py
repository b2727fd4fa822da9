import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.outcomes import Outcome
from config.providers import Dialect
from tests.worker.providers.asking import (
    ANTHROPIC,
    ANTHROPIC_START,
    OPENAI,
    OPENAI_USAGE,
    anthropic_event,
    anthropic_stop,
    anthropic_text,
    asked,
    data,
    failure,
    openai_chunk,
    provider,
)
from tests.worker.providers.bare_server import HEAD, responds, sends, serving, streams
from worker.chain.classify import classify
from worker.errors import AttemptFailed
from worker.result import Usage

STREAMS: dict[Dialect, list[bytes]] = {"openai": OPENAI, "llama_cpp": OPENAI, "anthropic": ANTHROPIC}
TEXTS = {
    "openai": 'Grüße [DONE]\n\ndata: [DONE]\n\n"content":"x"',
    "llama_cpp": 'Grüße [DONE]\n\ndata: [DONE]\n\n"content":"x"',
    "anthropic": 'Grüße "type":"message_stop"\n\n',
}
USAGES = {"openai": Usage(9, 5, 4, 2), "llama_cpp": Usage(9, 5, 4, 2), "anthropic": Usage(9, 5, 4, cache_write=2)}
IDS = {"openai": "chatcmpl-1", "llama_cpp": "chatcmpl-1", "anthropic": "msg_1"}


@pytest.mark.parametrize("dialect", STREAMS)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_whole_stream_is_an_answer(dialect: Dialect, newline: bytes) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nRequest-Id: req_1\r\n\r\n")
    body = b"".join(STREAMS[dialect]).replace(b"\n", newline)
    with serving(sends(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))) as bare:
        answer = asked(provider(dialect, bare.url))
    assert answer.message == {"role": "assistant", "content": TEXTS[dialect], "refusal": None}
    assert (answer.finish_reason, answer.model, answer.id) == ("stop", "served", IDS[dialect])
    assert (answer.usage, answer.request_id) == (USAGES[dialect], "req_1")


@pytest.mark.parametrize("dialect", STREAMS)
def test_no_text_of_an_answer_is_kept_for_the_next(dialect: Dialect) -> None:
    with serving(streams(*STREAMS[dialect])) as bare:
        first, second = (asked(provider(dialect, bare.url)) for _ in range(2))
    assert first.id is not second.id


def test_any_chunking_of_a_stream_is_the_same_answer() -> None:
    for dialect, stream in STREAMS.items():
        _check_any_chunking(dialect, b"".join(stream))


def _check_any_chunking(dialect: Dialect, body: bytes) -> None:
    bodies: list[list[bytes]] = [[body]]
    with serving(lambda bare, sock: streams(*bodies[0])(bare, sock)) as bare:

        @settings(max_examples=25, deadline=None)
        @given(st.lists(st.integers(0, len(body)), max_size=60))
        def check(places: list[int]) -> None:
            at = [0, *sorted(places), len(body)]
            bodies[0] = [body[a:b] for a, b in itertools.pairwise(at) if a < b]
            answer = asked(provider(dialect, bare.url))
            assert (answer.message["content"], answer.usage) == (TEXTS[dialect], USAGES[dialect])

        check()


@pytest.mark.parametrize("dialect", STREAMS)
def test_any_bytes_as_a_body_are_an_answer_or_a_failed_attempt(dialect: Dialect) -> None:
    values = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
    keys = ["type", "choices", "delta", "message", "usage", "error", "finish_reason", "stop_reason", "code", "content"]
    names = st.sampled_from(keys)
    objects = st.dictionaries(names, values | st.dictionaries(names, values) | st.lists(st.dictionaries(names, values)))
    events = st.lists(st.builds(data, objects) | st.sampled_from(STREAMS[dialect]), max_size=8)
    bodies: list[bytes] = [b""]
    with serving(lambda bare, sock: responds(b"200 OK", bodies[0])(bare, sock)) as bare:

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.binary() | st.builds(b"".join, events))
        def check(body: bytes) -> None:
            bodies[0] = body
            try:
                asked(provider(dialect, bare.url))
            except AttemptFailed as failed:
                assert classify(failed, {}).outcome in Outcome  # noqa: PT017  either is right

        check()


OPENAI_FAULTS = [
    ([openai_chunk("x")], "truncated", ()),
    ([], "truncated", ()),
    ([openai_chunk(""), b"data: [DONE]\n\n"], "empty", ()),
    ([openai_chunk("x"), b"data: {]\n\n", openai_chunk(None, "stop")], "malformed", ()),
    ([b"data: {},{}\n\n", openai_chunk("x", "stop")], "malformed", ()),
    ([b'data: {"a":"\n\n', b'data: "}, {}\n\n', openai_chunk("x", "stop")], "malformed", ()),
    ([b"data: 7\n\n", openai_chunk("x", "stop")], "malformed", ()),
    ([data({"choices": [3]})], "malformed", ()),
    ([data({"choices": [{"delta": {"content": 3}, "finish_reason": "stop"}]})], "malformed", ()),
    ([openai_chunk("x", "upstream_error")], "aborted", ("upstream_error",)),
    ([openai_chunk("x", "stop"), openai_chunk("y", "stop")], "malformed", ()),
    ([b"<html>Sign in to the hotel</html>"], "malformed", ()),
    ([openai_chunk(None, "stop")], "empty", ()),
    ([openai_chunk("x", "content_filter")], "refusal", ("content_filter",)),
    ([data({"choices": [{"delta": {"refusal": "no"}, "finish_reason": "stop"}]})], "refusal", ()),
    ([openai_chunk("x"), data({"error": {"type": "server_error", "message": "m"}})], "stream_error", ("server_error",)),
    ([openai_chunk("x", "stop"), data({"error": "overloaded"})], "stream_error", ()),
    (
        [openai_chunk("x"), data({"choices": [{"delta": {"content": ""}, "error": {"code": 502, "message": "m"}}]})],
        "stream_error",
        (),
    ),
    (
        [openai_chunk("x"), openai_chunk("y"), openai_chunk("z", "stop").replace(b"chatcmpl-1", b"chatcmpl-2")],
        "malformed",
        (),
    ),
]
ANTHROPIC_FAULTS = [
    ([ANTHROPIC_START, anthropic_text("x")], "truncated", ()),
    ([ANTHROPIC_START, anthropic_text("x"), ANTHROPIC_START, anthropic_stop("end_turn")], "malformed", ()),
    ([ANTHROPIC_START, anthropic_stop("end_turn")], "empty", ()),
    ([ANTHROPIC_START, anthropic_text("x"), anthropic_stop("refusal", stop_details={"category": "cyber"})],
     "refusal", ("cyber",)),
    ([ANTHROPIC_START, anthropic_text("x"), anthropic_stop("pause_turn")], "aborted", ("pause_turn",)),
    ([ANTHROPIC_START, b"event: content_block_delta\ndata: {\"type\n\n", anthropic_stop("end_turn")], "malformed", ()),
    ([anthropic_event({"type": "content_block_delta"}), anthropic_stop("end_turn")], "malformed", ()),
    ([anthropic_event({"type": "error", "error": {"type": "overloaded_error", "message": "m"}})],
     "stream_error", ("overloaded_error",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "stream", "reason", "codes"),
    [("openai", *fault) for fault in OPENAI_FAULTS] + [("anthropic", *fault) for fault in ANTHROPIC_FAULTS],
)
def test_a_fault_inside_a_200_is_a_failed_attempt(
    dialect: Dialect, stream: list[bytes], reason: str, codes: tuple[str, ...]
) -> None:
    with serving(streams(*filter(None, stream))) as bare:
        failed = failure(provider(dialect, bare.url))
        assert (failed.reason, failed.codes) == (reason, codes)


@pytest.mark.parametrize("ids", ["11", "1  1", "123", " 1 "])
def test_chunks_without_an_id_or_each_with_its_own_are_one_answer(ids: str) -> None:
    chunks = [openai_chunk("x").replace(b"chatcmpl-1", id_.strip().encode()) for id_ in ids]
    with serving(streams(*chunks, openai_chunk(None, "stop").replace(b"chatcmpl-1", b""))) as bare:
        assert asked(provider("openai", bare.url)).message["content"] == "x" * len(ids)


@pytest.mark.parametrize("finish", [None, "stop"])
@pytest.mark.parametrize(("whole", "is_read"), [("xy", True), ("", True), ("other", False)])
def test_a_whole_message_behind_its_pieces_is_no_second_answer(finish: str | None, whole: str, is_read: bool) -> None:
    message = {"role": "assistant", "content": whole}
    last = data({"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    with serving(streams(openai_chunk("x"), openai_chunk("y", finish), last)) as bare:
        if is_read:
            assert asked(provider("openai", bare.url)).message["content"] == "xy"
        else:
            assert failure(provider("openai", bare.url)).reason == "malformed"


def test_a_thousand_ends_are_one() -> None:
    with serving(streams(openai_chunk("x") + 3_000 * b"data: [DONE]\n\n")) as bare:
        assert asked(provider("openai", bare.url)).message["content"] == "x"


def test_a_missing_done_is_no_failure() -> None:
    with serving(streams(*OPENAI[:4])) as bare:
        assert asked(provider("openai", bare.url)).finish_reason == "stop"


@pytest.mark.parametrize("usage", [None, 3, {"prompt_tokens": "many"}, {"prompt_tokens_details": []}])
def test_no_answer_is_lost_for_its_usage(usage: object) -> None:
    with serving(streams(openai_chunk("x", "stop"), data({"choices": [], "usage": usage}))) as bare:
        assert asked(provider("openai", bare.url)).usage in (None, Usage(0, 0))


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        ("openai", [openai_chunk(None, "length"), OPENAI_USAGE]),
        ("anthropic", [ANTHROPIC_START, anthropic_stop("max_tokens")]),
    ],
)
def test_no_text_within_the_limit_is_an_answer_of_that_length(dialect: Dialect, stream: list[bytes]) -> None:
    with serving(streams(*stream)) as bare:
        answer = asked(provider(dialect, bare.url))
        assert (answer.message["content"], answer.finish_reason) == ("", "length")


def test_an_error_event_that_names_a_status_is_classified_by_it() -> None:
    error = {"error": {"code": 429, "message": "Rate limit exceeded", "type": "strange"}}
    with serving(streams(b"data: " + json.dumps(error).encode() + b"\n\n")) as bare:
        assert classify(failure(provider("openai", bare.url)), {}).outcome == Outcome.RATE_LIMITED
