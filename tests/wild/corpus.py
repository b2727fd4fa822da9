"""The entries of the corpus, and the wires on which each is sent."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.frozen import Frozen
from config.outcomes import Outcome
from config.providers import Dialect

FAILURES = Path(__file__).parent / "failures"


class Failure(Frozen):
    """One failure that a provider or a proxy really sent.

    Attributes:
        name, vendor: its name, which is unique for the vendor.
        source: the thread that shows it (owner/repository#number), or the address of a page.
        wire: of the request: OpenAI's chat completions, or Anthropic's messages.
        status, headers, body: the response; the default type is JSON, that of a stream `text/event-stream`.
        form: an error response or an error in JSON inside a 200; or an error in a stream.
        outcome: the expected class, `class` in the file.
        retry_after: the seconds that it names, if it does.
        any_host: for too-large: any other host is asked, whatever its window.
        why: why it is of this class.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    vendor: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    source: Annotated[str, Field(pattern=r"^([\w.-]+/[\w.-]+#\d+|https://\S+)$")]
    wire: Literal["openai", "anthropic"]
    status: Annotated[int, Field(ge=200, le=599)]
    headers: dict[str, str] = Field(default_factory=dict)
    body: str
    form: Literal["response", "stream"]
    outcome: Annotated[Outcome, Field(alias="class")]
    retry_after: float | None = None
    any_host: bool = False
    why: Annotated[str, Field(min_length=10)]

    @model_validator(mode="after")
    def _check(self) -> "Failure":
        if self.form == "stream" and self.status != 200:
            raise ValueError("an error in a stream has status 200")
        return self

    @property
    def id(self) -> str:
        return f"{self.vendor}/{self.name}"

    @property
    def content_type(self) -> str:
        return "text/event-stream" if self.form == "stream" else "application/json"

    @property
    def wires(self) -> tuple[tuple[Dialect, bool], ...]:
        """Returns the dialects that fit, each with whether the request is streamed."""
        dialect: Dialect = "llama_cpp" if self.vendor == "llama-cpp" else self.wire
        return ((dialect, True),) if self.form == "stream" else ((dialect, True), (dialect, False))


def failures() -> Iterator[Failure]:
    """Yields all entries, by file."""
    for file in sorted(FAILURES.glob("*.toml")):
        for entry in tomllib.loads(file.read_text("utf-8"))["failure"]:
            yield Failure.model_validate(entry)
