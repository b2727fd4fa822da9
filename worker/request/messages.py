"""The messages of a request."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from worker.request.attachments import FileData, InputAudio
from worker.request.fields import (
    Json,
    NonEmptyStr,
    ParticipantName,
    RequestModel,
    SmallDict,
    ToolName,
    Utf8Str,
    at_most,
)
from worker.request.images import ImageUrl

MOST_CALLS = 128


class CacheControl(RequestModel):
    """Marks the end of a prompt's beginning that is worth keeping. Only Anthropic's dialect sends it."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Text(RequestModel):
    """A text part of a message."""

    type: Literal["text"]
    text: Utf8Str
    cache_control: CacheControl | None = None


class Image(RequestModel):
    """An image part of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl
    cache_control: CacheControl | None = None


class File(RequestModel):
    """A part of a message that is a PDF."""

    type: Literal["file"]
    file: FileData
    cache_control: CacheControl | None = None


class Audio(RequestModel):
    """A part of a message that is sound."""

    type: Literal["input_audio"]
    input_audio: InputAudio
    cache_control: CacheControl | None = None


ContentPart = Text | Image | File | Audio


def _shape(content: object) -> str | None:
    if isinstance(content, str):
        return "text"
    return "parts" if isinstance(content, list | tuple) else None


_TEXTS = Discriminator(
    _shape, custom_error_type="content", custom_error_message="must be a string or a list of text parts"
)
_PARTS = Discriminator(_shape, custom_error_type="content", custom_error_message="must be a string or a list of parts")
Texts = Annotated[
    Annotated[Utf8Str, Tag("text")] | Annotated[tuple[Text, ...], Field(fail_fast=True), Tag("parts")], _TEXTS
]
_Part = Annotated[ContentPart, Field(discriminator="type")]
Parts = Annotated[
    Annotated[NonEmptyStr, Tag("text")]
    | Annotated[tuple[_Part, ...], Field(min_length=1, fail_fast=True), Tag("parts")],
    _PARTS,
]


class System(RequestModel):
    """Instructions for the conversation."""

    role: Literal["system", "developer"]
    content: Texts
    name: ParticipantName | None = None
    cache_control: CacheControl | None = None


class User(RequestModel):
    """A turn of the user."""

    role: Literal["user"]
    content: Parts
    name: ParticipantName | None = None
    cache_control: CacheControl | None = None


class FunctionCall(RequestModel):
    """The function that a model called; `arguments` is the model's text, which need not be JSON."""

    name: ToolName
    arguments: Utf8Str


class ToolCall(RequestModel):
    """One call of an earlier answer."""

    id: NonEmptyStr
    type: Literal["function"]
    function: FunctionCall


class Assistant(RequestModel):
    """An earlier turn of a model.

    `provider_fields` has, by a provider's name, the model and what only that model of that provider may see again;
    `reasoning_content` is what they refer to, and is empty where none does.
    """

    role: Literal["assistant"]
    content: Texts | None = None
    name: ParticipantName | None = None
    tool_calls: Annotated[tuple[ToolCall, ...], Field(fail_fast=True), BeforeValidator(at_most(MOST_CALLS))] | None = (
        None
    )
    provider_fields: Annotated[dict[Utf8Str, Json], SmallDict] | None = None
    reasoning_content: Utf8Str | None = None
    cache_control: CacheControl | None = None


class ToolResult(RequestModel):
    """The result of a called function. `name` is accepted, because many producers send it, and ignored."""

    role: Literal["tool"]
    tool_call_id: NonEmptyStr
    content: Texts
    name: Utf8Str | None = None
    cache_control: CacheControl | None = None


Message = Annotated[System | User | Assistant | ToolResult, Field(discriminator="role")]
