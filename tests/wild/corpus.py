"""The entries of the corpus, and the wires on which each is sent."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.frozen import Frozen
from config.outcomes import Outcome
from config.providers import Dialect

FOLDER = Path(__file__).parent
QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "Why is the sky blue?"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
CALLED = [
    *QUESTION,
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Rayleigh scattering."},
]
Wires = tuple[tuple[Dialect, bool], ...]
"""Dialects, each with whether a stream is asked for."""


class Entry(Frozen):
    """What a provider or a proxy really sent.

    Attributes:
        name, vendor: its name, which is unique for the vendor.
        source: the thread that shows it (owner/repository#number), or the address of a page.
        wire: of the request: OpenAI's chat completions, or Anthropic's messages.
        headers, body: the response; its default type is JSON, that of a stream `text/event-stream`.
        why: why it means what it is said to mean.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    vendor: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    source: Annotated[str, Field(pattern=r"^([\w.-]+/[\w.-]+#\d+|https://\S+)$")]
    wire: Literal["openai", "anthropic"]
    headers: dict[str, str] = Field(default_factory=dict)
    body: str
    why: Annotated[str, Field(min_length=10)]

    @property
    def id(self) -> str:
        return f"{self.vendor}/{self.name}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The request that it answers."""
        return QUESTION

    @property
    def dialect(self) -> Dialect:
        return "llama_cpp" if self.vendor == "llama-cpp" and self.wire == "openai" else self.wire


class Failure(Entry):
    """A failure.

    Attributes:
        status: of the response.
        form: an error response or an error in JSON inside a 200; or an error in a stream.
        outcome: the expected class, `class` in the file.
        retry_after: the seconds that it names, if it does.
        any_host: for too-large: any other host is asked, whatever its window.
    """

    status: Annotated[int, Field(ge=200, le=599)]
    form: Literal["response", "stream"]
    outcome: Annotated[Outcome, Field(alias="class")]
    retry_after: float | None = None
    any_host: bool = False

    @model_validator(mode="after")
    def _check(self) -> "Failure":
        if self.form == "stream" and self.status != 200:
            raise ValueError("an error in a stream has status 200")
        return self

    @property
    def content_type(self) -> str:
        return "text/event-stream" if self.form == "stream" else "application/json"

    @property
    def wires(self) -> Wires:
        """Returns the dialects that fit."""
        return ((self.dialect, True),) if self.form == "stream" else ((self.dialect, True), (self.dialect, False))


class ToolCall(Frozen):
    """A call that an answer holds; `id` only if the server sent one that can be used."""

    id: str | None = None
    name: str
    arguments: str


class Tokens(Frozen):
    """The usage that an answer tells."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


class Answered(Entry):
    """An answer, or the class of failure of one that nobody can know the meaning of.

    Attributes:
        stream: whether a stream was asked for.
        after_tool_result: whether the last message of the request is a tool's result.
        content, reasoning_content, finish_reason, tool_calls, usage: what it means, in OpenAI's terms.
        outcome: `success`, or the expected class (`class` in the file).
        meaning: who says what it means: the vendor's client, the server's documentation.
        differs: why the vendor's own package reads it in another way; None where it reads the same, or cannot read it.
    """

    stream: bool
    after_tool_result: bool = False
    content: str | None = None
    reasoning_content: str | None = None
    finish_reason: Literal["stop", "length", "tool_calls"] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Tokens | None = None
    outcome: Annotated[Outcome, Field(alias="class")] = Outcome.SUCCESS
    meaning: Annotated[str, Field(min_length=10)]
    differs: Annotated[str, Field(min_length=10)] | None = None
    status: Literal[200] = 200
    retry_after: None = None
    any_host: Literal[False] = False

    @model_validator(mode="after")
    def _check(self) -> "Answered":
        if (self.outcome == Outcome.SUCCESS) != (self.finish_reason is not None):
            raise ValueError("an answer has a finish_reason, a failure has none")
        return self

    @property
    def messages(self) -> list[dict[str, Any]]:
        return CALLED if self.after_tool_result else QUESTION

    @property
    def content_type(self) -> str:
        return "text/event-stream" if self.stream else "application/json"

    @property
    def wires(self) -> Wires:
        """Returns the dialect that fits. Some servers answer either request in either way, so both are asked."""
        return ((self.dialect, True), (self.dialect, False))


def failures() -> Iterator[Failure]:
    """Yields all failures, by file."""
    for entry in _entries("failures", "failure"):
        yield Failure.model_validate(entry)


def answers() -> Iterator[Answered]:
    """Yields all answers, by file."""
    for entry in _entries("answers", "answer"):
        yield Answered.model_validate(entry)


def _entries(folder: str, table: str) -> Iterator[dict[str, Any]]:
    for file in sorted((FOLDER / folder).glob("*.toml")):
        yield from tomllib.loads(file.read_text("utf-8"))[table]
