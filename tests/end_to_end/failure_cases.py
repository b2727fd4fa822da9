"""The failures that a provider is made to show, each on both wires, and what must come of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from config.outcomes import Outcome
from tasks.local.llmock import LLMock
from tests.end_to_end import failing_server, vendors
from tests.end_to_end.failing_server import FailingServer
from tests.worker.providers.bare_server import HEAD, Talk, chunk, sends, stalls, streams
from worker.errors import ChainExhausted, ContentRefused, InvalidRequest, TaskFailed

Wire = Literal["Anthropic", "OpenAI"]
WIRES: tuple[Wire, ...] = ("Anthropic", "OpenAI")

LIMIT = 1.0
"""Seconds without a first token, or of silence, that the workers under test bear; 30 by default."""
LONGER = 1.5 * LIMIT
"""What 45 s are to the default limits."""
COOLDOWN = 2.0
"""Seconds; 60 by default."""


@dataclass(frozen=True)
class Side:
    """A provider under test: its model, what it answers, its prices; the tokens where they are known."""

    wire: Wire
    model: str
    text: str
    prices: tuple[float, float]
    tokens: tuple[int, int] | None = None

    def events(self) -> list[bytes]:
        """Returns its whole answer as its server streams it."""
        assert self.tokens is not None
        write = failing_server.anthropic if self.wire == "Anthropic" else failing_server.openai
        return write(self.model, self.text, *self.tokens)


LLMOCKS = {
    "claude": Side("Anthropic", "claude-sonnet-5-5", " ".join(["claude"] * 30), (2.0, 10.0)),
    "openai": Side("OpenAI", "gpt-6.1-terra", " ".join(["openai"] * 20), (1.0, 5.0)),
}
SOCKETS = {
    "anthropic-socket": Side("Anthropic", "a-served", "Anthropic says so.", (3.0, 15.0), (11, 7)),
    "openai-socket": Side("OpenAI", "o-served", "OpenAI says so.", (0.5, 4.0), (13, 5)),
}
SIDES = LLMOCKS | SOCKETS

OnLLMock = Callable[[LLMock, str], None]
"""Scripts a provider of LLMock's."""
OnSocket = Callable[[FailingServer, Side], None]
"""Scripts a provider on a bare socket."""


@dataclass(frozen=True)
class Case:
    """One failure, scripted on LLMock or on a bare socket.

    `failures` attempts end in `outcome`; `then` the same provider answers, or the next one does, or the caller gets
    that exception. `said` is part of the reason that the failed attempt must give, `only` the one wire that has it.
    """

    title: str
    outcome: Outcome
    failures: int
    then: Literal["itself", "the next"] | type[TaskFailed]
    llmock: OnLLMock | None = None
    socket: OnSocket | None = None
    said: str = ""
    only: Wire | None = None

    def providers(self, wire: Wire) -> tuple[str, str]:
        """Returns the failing provider, after which its chain is named, and the one that follows it."""
        names = LLMOCKS if self.llmock else SOCKETS
        first, second = names
        return (first, second) if wire == "Anthropic" else (second, first)

    @property
    def calls(self) -> tuple[int, int]:
        """Returns how often the failing provider is called, and the next one."""
        return self.failures + (self.then == "itself"), int(self.then in ("the next", InvalidRequest))


TOO_LONG: dict[str, dict[str, Any]] = {
    "claude": {"message": "prompt is too long: 1000001 tokens > 1000000 maximum"},
    "openai": {"message": "Your input exceeds the window of this model.", "code": "context_length_exceeded"},
}


def _fails(status: int, times: int | None = None, **fields: Any) -> OnLLMock:
    return lambda llmock, provider: vendors.fail(llmock, provider, status, times, **fields)


def _breaks(kind: str, times: int | None = None, **fields: Any) -> OnLLMock:
    """Breaks the stream at two thirds of its events."""

    def script(llmock: LLMock, provider: str) -> None:
        side = LLMOCKS[provider]
        words, others = len(side.text.split()), 6 if side.wire == "Anthropic" else 4
        after = round((words + others) * 2 / 3)
        vendors.script(llmock, provider, "stream_fault", times, kind=kind, after_chunks=after, **fields)

    return script


def _slow(llmock: LLMock, provider: str) -> None:
    vendors.script(llmock, provider, "slow_first_token", seconds=LONGER)


def _filtered(llmock: LLMock, provider: str) -> None:
    vendors.script(llmock, provider, "reply", text="No.", finish_reason="content_filter")


def _too_long(llmock: LLMock, provider: str) -> None:
    vendors.script(llmock, provider, "fail", status=400, **TOO_LONG[provider])


def _rejects(llmock: LLMock, provider: str) -> None:
    vendors.script(llmock, provider, "fail", status=400, message="temperature: not supported by this model")


def _all_reject(llmock: LLMock, provider: str) -> None:
    for name in LLMOCKS:
        _rejects(llmock, name)


def _once(fault: Callable[[Side], Talk]) -> OnSocket:
    return lambda server, side: server.script(fault(side), streams(*side.events()))


def _always(fault: Callable[[Side], Talk]) -> OnSocket:
    return lambda server, side: server.script(fault(side))


def _resets(side: Side) -> Talk:
    return failing_server.resets


def _silent(side: Side) -> Talk:
    return stalls()


def _cut_when_charged(side: Side) -> Talk:
    return sends(HEAD, *map(chunk, side.events()[:3]), keep=False)


def _malformed(side: Side) -> Talk:
    # LLMock's journal takes a stream with its own for complete, so its verdict misses the retry that it got.
    first, second, *rest = side.events()
    return streams(first, second.replace(b"}", b""), *rest)


def _without_end(side: Side) -> Talk:
    return streams(*side.events()[:-1])


def _refuses(side: Side) -> Talk:
    return streams(*failing_server.refusal(side.model, "cyber"))


CASES = (
    Case("429 with Retry-After 2, once", Outcome.RATE_LIMITED, 1, "itself", _fails(429, 1, retry_after=2)),
    Case("429 with Retry-After 1, for ever", Outcome.RATE_LIMITED, 4, "the next", _fails(429, retry_after=1)),
    Case("500, once", Outcome.TRANSIENT, 1, "itself", _fails(500, 1)),
    Case("503, for ever", Outcome.OVERLOADED, 4, "the next", _fails(503)),
    Case("TCP reset, once", Outcome.TRANSIENT, 1, "itself", socket=_once(_resets), said="reset"),
    Case("TCP reset, for ever", Outcome.TRANSIENT, 4, "the next", socket=_always(_resets), said="reset"),
    Case("silence", Outcome.TIMEOUT, 1, "the next", socket=_always(_silent), said="first_token_timeout"),
    Case("first token after 45 s", Outcome.TIMEOUT, 1, "the next", _slow, said="first_token_timeout"),
    Case(
        "stream stalled for 45 s",
        Outcome.TIMEOUT,
        1,
        "the next",
        _breaks("stall", stall_seconds=LONGER),
        said="idle_timeout",
    ),
    Case(
        "stream ended at two thirds, once", Outcome.TRANSIENT, 1, "itself", _breaks("truncate", 1), said="ended before"
    ),
    Case(
        "stream dropped at two thirds, for ever", Outcome.TRANSIENT, 4, "the next", _breaks("disconnect"), said="closed"
    ),
    Case(
        "stream dropped after telling its usage, for ever",
        Outcome.TRANSIENT,
        4,
        "the next",
        socket=_always(_cut_when_charged),
    ),
    Case("a malformed chunk, once", Outcome.TRANSIENT, 1, "itself", socket=_once(_malformed), said="not JSON"),
    Case("no `[DONE]`", Outcome.SUCCESS, 0, "itself", socket=_always(_without_end), only="OpenAI"),
    Case("no `message_stop`", Outcome.SUCCESS, 0, "itself", socket=_always(_without_end), only="Anthropic"),
    Case("context_length_exceeded", Outcome.TOO_LARGE, 1, ChainExhausted, _too_long, said="too long", only="Anthropic"),
    Case("context_length_exceeded", Outcome.TOO_LARGE, 1, "the next", _too_long, said="context_length", only="OpenAI"),
    Case("content filter", Outcome.REFUSED, 1, ContentRefused, _filtered, said="refusal", only="Anthropic"),
    Case("content filter", Outcome.REFUSED, 1, ContentRefused, _filtered, said="content_filter", only="OpenAI"),
    Case(
        "refusal with a category",
        Outcome.REFUSED,
        1,
        ContentRefused,
        socket=_always(_refuses),
        said="cyber",
        only="Anthropic",
    ),
    Case("a field that it rejects", Outcome.INVALID, 1, "the next", _rejects, said="temperature"),
    Case("a field that all reject", Outcome.INVALID, 1, InvalidRequest, _all_reject, said="temperature"),
)
"""The windows are the defaults': 1,000,000 tokens at claude, 922,000 at openai, which is the next after it."""

FAILURES = [
    pytest.param(wire, case, id=f"{wire}: {case.title}")
    for case in CASES
    for wire in WIRES
    if case.only in (None, wire)
]
