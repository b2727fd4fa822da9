"""The messages of a request."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from worker.request.fields import Full, Part, Speaker, Str, ToolName, at_most
from worker.request.images import ImageUrl

MOST_CALLS = 128


class Text(Part):
    """A text part of a message."""

    type: Literal["text"]
    text: Str


class Image(Part):
    """An image part of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


def _shape(content: object) -> str | None:
    if isinstance(content, str):
        return "text"
    return "parts" if isinstance(content, list | tuple) else None


_TEXTS = Discriminator(
    _shape, custom_error_type="content", custom_error_message="must be a string or a list of text parts"
)
_PARTS = Discriminator(
    _shape, custom_error_type="content", custom_error_message="must be a string or a list of text and image parts"
)
Texts = Annotated[
    Annotated[Str, Tag("text")] | Annotated[tuple[Text, ...], Field(fail_fast=True), Tag("parts")], _TEXTS
]
_Seen = Annotated[Text | Image, Field(discriminator="type")]
Parts = Annotated[
    Annotated[Full, Tag("text")] | Annotated[tuple[_Seen, ...], Field(min_length=1, fail_fast=True), Tag("parts")],
    _PARTS,
]


class System(Part):
    """Instructions that stand above the conversation."""

    role: Literal["system", "developer"]
    content: Texts
    name: Speaker | None = None


class User(Part):
    """A turn of the user."""

    role: Literal["user"]
    content: Parts
    name: Speaker | None = None


class Called(Part):
    """The function that a model called; `arguments` is what it wrote, which need not be JSON."""

    name: ToolName
    arguments: Str


class ToolCall(Part):
    """One call of an earlier answer."""

    id: Full
    type: Literal["function"]
    function: Called


class Assistant(Part):
    """An earlier turn of a model. Fields that an answer carries beside these are accepted empty only."""

    role: Literal["assistant"]
    content: Texts | None = None
    name: Speaker | None = None
    tool_calls: Annotated[tuple[ToolCall, ...], Field(fail_fast=True), BeforeValidator(at_most(MOST_CALLS))] | None = (
        None
    )
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: tuple[()] | None = None


class ToolResult(Part):
    """What a called function gave. `name` is taken, as many send it, and passed over."""

    role: Literal["tool"]
    tool_call_id: Full
    content: Texts
    name: Str | None = None


Message = Annotated[System | User | Assistant | ToolResult, Field(discriminator="role")]
