import socket

import pytest

from config.outcomes import Outcome
from config.providers import Dialect
from tests.worker.providers.asking import (
    ANTHROPIC,
    ANTHROPIC_START,
    OPENAI,
    PING,
    anthropic_text,
    asked,
    failure,
    openai_chunk,
    provider,
    revoked_if,
)
from tests.worker.providers.bare_server import END, HEAD, Bare, Talk, chunk, repeats, serving, stalls, streams
from worker.chain.classify import classify

COMMENT = b": OPENROUTER PROCESSING\n\n"
STARTS = {"openai": openai_chunk(""), "llama_cpp": openai_chunk(""), "anthropic": ANTHROPIC_START}
PINGS = {"openai": COMMENT + openai_chunk(""), "llama_cpp": COMMENT, "anthropic": PING}
TOKENS = {"openai": openai_chunk("x"), "llama_cpp": openai_chunk("x"), "anthropic": anthropic_text("x")}
DIALECTS: list[Dialect] = ["openai", "llama_cpp", "anthropic"]


def test_no_connection_passes_the_connect_limit() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = []
        for _ in range(4):  # the kernel leaves what its backlog cannot hold without an answer
            full.append(socket.socket())
            full[-1].setblocking(False)
            full[-1].connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert failure(provider("openai", url, connect_timeout=0.1)).reason == "connect_timeout"
        assert failure(provider("openai", url), within=0.1).reason == "deadline"
        for sock in full:
            sock.close()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nA: ", HEAD], ids=["nothing", "half a head", "a head"])
def test_no_first_token_passes_its_limit(dialect: Dialect, said: bytes) -> None:
    with serving(stalls(said)) as bare:
        assert failure(provider(dialect, bare.url, first_token_timeout=0.1)).reason == "first_token_timeout"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pings_before_the_first_token_are_signs_of_life(dialect: Dialect) -> None:
    with serving(repeats(HEAD + chunk(STARTS[dialect]), chunk(PINGS[dialect]))) as bare:
        limits = {"first_token_timeout": 0.1, "attempt_timeout": 0.6}
        assert failure(provider(dialect, bare.url, **limits)).reason == "attempt_timeout"
        assert failure(provider(dialect, bare.url, first_token_timeout=0.1), share=0.4).reason == "share"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pings_between_tokens_are_silence(dialect: Dialect) -> None:
    with serving(repeats(HEAD + chunk(STARTS[dialect] + TOKENS[dialect]), chunk(PINGS[dialect]))) as bare:
        assert failure(provider(dialect, bare.url, idle_timeout=0.1)).reason == "idle_timeout"


def test_a_drip_fed_head_is_no_answer() -> None:
    with serving(repeats(b"HTTP/1.1 200 OK\r\n", b"a")) as bare:
        assert failure(provider("openai", bare.url, first_token_timeout=0.1)).reason == "first_token_timeout"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tokens_for_ever_pass_the_attempts_limit(dialect: Dialect) -> None:
    with serving(repeats(HEAD + chunk(STARTS[dialect]), chunk(TOKENS[dialect]))) as bare:
        assert failure(provider(dialect, bare.url, attempt_timeout=0.2)).reason == "attempt_timeout"


def test_the_callers_deadline_is_nobodys_failure() -> None:
    with serving(repeats(HEAD, chunk(OPENAI[1]))) as bare:
        failed = failure(provider("openai", bare.url), within=0.2)
        assert (failed.reason, classify(failed, {}).outcome) == ("deadline", Outcome.CUT_SHORT)


def test_a_deadline_that_has_passed_asks_nobody() -> None:
    with serving(streams(*OPENAI)) as bare:
        assert failure(provider("openai", bare.url), within=-1.0).reason == "deadline"
        assert bare.connections == 0


def test_a_revoked_task_is_cut_between_events() -> None:
    with serving(repeats(HEAD, chunk(OPENAI[1]))) as bare:
        came: list[int] = []
        failed = failure(
            provider("openai", bare.url),
            on_first_byte=lambda: came.append(1),
            check_wanted=revoked_if(lambda: bool(came)),
        )
        assert (failed.reason, classify(failed, {}).outcome) == ("revoked", Outcome.CUT_SHORT)


@pytest.mark.parametrize(("dialect", "stream"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
def test_the_first_token_is_told_of_once(dialect: Dialect, stream: list[bytes]) -> None:
    with serving(streams(*stream)) as bare:
        came: list[int] = []
        answer = asked(provider(dialect, bare.url), on_first_byte=lambda: came.append(1))
        assert came == [1]
        assert answer.first_token_ms > 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "first_token_timeout"),
        (HEAD, "first_token_timeout"),
        (HEAD + chunk(b": busy\n\n"), "first_token_timeout"),
    ],
    ids=["nothing", "a head", "a comment"],
)
def test_a_connection_closed_after_a_long_silence_is_a_time_out(dialect: Dialect, said: bytes, reason: str) -> None:
    with serving(closes_after(0.3, said)) as bare:
        failed = failure(provider(dialect, bare.url, first_token_timeout=0.5))
        assert (failed.reason, classify(failed, {}).outcome) == (reason, Outcome.TIMEOUT)
        assert "of silence" in failed.detail
        assert failure(provider(dialect, bare.url, first_token_timeout=5.0)).reason in ("connection", "truncated")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", [b"", END], ids=["cut", "ended"])
@pytest.mark.parametrize("patient", [False, True])
def test_a_stream_that_ends_after_a_long_silence_is_a_time_out(dialect: Dialect, end: bytes, patient: bool) -> None:
    with serving(closes_after(0.3, HEAD + chunk(STARTS[dialect] + TOKENS[dialect]), end)) as bare:
        failed = failure(provider(dialect, bare.url, idle_timeout=5.0 if patient else 0.5))
        assert failed.reason == ("truncated" if patient else "idle_timeout")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_share_ends_an_attempt_without_a_token_and_no_other(dialect: Dialect) -> None:
    with serving(stalls(HEAD)) as bare:
        short = failure(provider(dialect, bare.url, first_token_timeout=1.0), share=0.2)
        half = failure(provider(dialect, bare.url, first_token_timeout=1.0), share=0.5)
        plain = failure(provider(dialect, bare.url, attempt_timeout=1.0, stream=False), share=0.2)
    assert [(each.reason, each.counts) for each in (short, half)] == [("share", False), ("share", True)]
    assert plain.reason == "attempt_timeout"  # its head has come
    with serving(stalls(HEAD + chunk(STARTS[dialect] + TOKENS[dialect]))) as bare:
        assert failure(provider(dialect, bare.url, idle_timeout=0.5), share=0.2).reason == "idle_timeout"
    with serving(stalls()) as bare:
        assert failure(provider(dialect, bare.url, stream=False), share=0.2).reason == "share"


def closes_after(seconds: float, said: bytes, end: bytes = b"") -> Talk:
    def talk(bare: Bare, sock: socket.socket) -> bool:
        sock.sendall(said)
        bare.stop.wait(seconds)
        sock.sendall(end)
        return False

    return talk
