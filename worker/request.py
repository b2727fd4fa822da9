"""A completion request: OpenAI's chat-completions shape, checked field by field."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from worker.errors import InvalidRequest
from worker.field_errors import tell

# Checked ahead of the items: pydantic keeps about a kilobyte for each bad one, 2 GB for a 4 MB list of them.
_MOST_MESSAGES = 10_000
_MOST_ENTRIES = 32


def _at_most(limit: int) -> Callable[[object], object]:
    def check(value: object) -> object:
        if isinstance(value, dict | list | tuple) and len(value) > limit:
            raise ValueError(f"must have at most {limit} items")
        return value

    return check


def _check_utf8(value: str) -> str:
    try:
        if value.isascii() or value.encode():
            return value
    except UnicodeEncodeError:
        pass  # its text quotes the value
    raise ValueError("has half of a surrogate pair, which no UTF-8 text can hold")


def _shape(content: object) -> str | None:
    if isinstance(content, str):
        return "text"
    return "parts" if isinstance(content, list | tuple) else None


def _listed(stop: object) -> object:
    return (stop,) if isinstance(stop, str) else stop


Str = Annotated[str, AfterValidator(_check_utf8)]
Full = Annotated[str, Field(min_length=1), AfterValidator(_check_utf8)]
Count = Annotated[int, Field(strict=True, gt=0, le=10_000_000)]
Number = Annotated[float, Field(strict=True)]
Integer = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]

_CONTENT = Discriminator(
    _shape, custom_error_type="content", custom_error_message="must be a string or a list of text parts"
)
_FEW = _at_most(_MOST_ENTRIES)


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True, revalidate_instances="always"
    )

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: object) -> object:
        return _FEW(value)


class Text(_Part):
    """A text part of a message."""

    type: Literal["text"]
    text: Str


Parts = Annotated[tuple[Text, ...], Field(fail_fast=True)]
Texts = Annotated[Annotated[Str, Tag("text")] | Annotated[Parts, Tag("parts")], _CONTENT]
FullTexts = Annotated[Annotated[Full, Tag("text")] | Annotated[Parts, Field(min_length=1), Tag("parts")], _CONTENT]


class System(_Part):
    """Instructions that stand above the conversation."""

    role: Literal["system", "developer"]
    content: Texts
    name: Str | None = None


class User(_Part):
    """A turn of the user."""

    role: Literal["user"]
    content: FullTexts
    name: Str | None = None


class Assistant(_Part):
    """An earlier turn of a model. Fields that an answer carries beside its content are accepted empty only."""

    role: Literal["assistant"]
    content: Texts
    name: Str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: None = None
    annotations: tuple[()] | None = None


Message = Annotated[System | User | Assistant, Field(discriminator="role")]


class CompletionRequest(_Part):
    """What a producer asks for.

    `timeout` is in seconds from queueing to answer; without it the chain's holds. `model` names a tier, such as
    `fast`. `metadata` is kept beside the request and never sent to a provider. `n` and `stream` may only say what
    happens anyway.
    """

    messages: Annotated[tuple[Message, ...], Field(min_length=1), BeforeValidator(_at_most(_MOST_MESSAGES))]
    model: Str = "default"
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    stop: Annotated[tuple[Full, ...], BeforeValidator(_at_most(4)), BeforeValidator(_listed)] | None = None
    seed: Integer | None = None
    user: Str | None = None
    metadata: Annotated[dict[Str, Str], BeforeValidator(_FEW)] | None = None
    timeout: Annotated[Number, Field(gt=0, le=86_400)] | None = None
    n: Integer | None = None
    stream: Annotated[bool, Field(strict=True)] | None = None

    @property
    def limit(self) -> int | None:
        """Returns the most tokens to answer with, None where the producer set no limit."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Returns the stop sequences."""
        return self.stop or ()

    def wire(self) -> dict[str, Any]:
        """Returns what `parse` makes this request of again: JSON values, without the fields that were left out."""
        return self.model_dump(mode="json", exclude_unset=True)

    @field_validator("model")
    @classmethod
    def _check_model(cls, value: str, info: ValidationInfo) -> str:
        if info.context is not None and value not in info.context:
            raise ValueError(f"names no tier; there are {', '.join(sorted(info.context))}")
        return value

    @field_validator("n")
    @classmethod
    def _check_n(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise ValueError("must be 1: a completion is one answer; queue one request for each")
        return value

    @field_validator("stream")
    @classmethod
    def _check_stream(cls, value: bool | None) -> bool | None:
        if value:
            raise ValueError("must be false: nothing of an answer is published before it is whole")
        return value

    @model_validator(mode="after")
    def _check_limits(self) -> "CompletionRequest":
        if self.max_tokens and self.max_completion_tokens and self.max_tokens != self.max_completion_tokens:
            raise ValueError("max_tokens and max_completion_tokens differ; set one")
        return self


def parse(payload: CompletionRequest | Mapping[str, Any], tiers: Collection[str]) -> CompletionRequest:
    """Returns the request that `payload` is, whose `model` is one of `tiers`.

    Raises:
        InvalidRequest: with one line that names every bad field and the reason, and quotes no value.
    """
    given = dict(payload) if isinstance(payload, Mapping) else payload
    try:
        return CompletionRequest.model_validate(given, context=tiers)
    except ValidationError as exc:
        # `from None`: the original holds the input, and a traceback travels with a failed task.
        raise InvalidRequest(tell(exc, given)) from None
