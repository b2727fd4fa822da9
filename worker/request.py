"""A completion request: OpenAI's chat-completions shape, checked field by field."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class Text(_Part):
    """A text part of a message."""

    type: Literal["text"]
    text: str


class System(_Part):
    """Instructions that stand above the conversation."""

    role: Literal["system", "developer"]
    content: str | tuple[Text, ...]
    name: str | None = None


class User(_Part):
    """A turn of the user."""

    role: Literal["user"]
    content: Annotated[str, Field(min_length=1)] | Annotated[tuple[Text, ...], Field(min_length=1)]
    name: str | None = None


class Assistant(_Part):
    """An earlier turn of a model. Fields that an answer carries beside its content are accepted as null only."""

    role: Literal["assistant"]
    content: str | tuple[Text, ...]
    name: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: None = None
    annotations: Annotated[tuple[()], Field()] | None = None


Message = Annotated[System | User | Assistant, Field(discriminator="role")]


class CompletionRequest(_Part):
    """What a producer asks for.

    `timeout` is in seconds from queueing to answer; without it the chain's holds. `model` names a tier, such as
    `fast`. `metadata` is kept beside the request and never sent to a provider.
    """

    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    model: str = "default"
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_completion_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: Annotated[str, Field(min_length=1)] | Annotated[tuple[str, ...], Field(max_length=4)] | None = None
    seed: int | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    timeout: Annotated[float, Field(gt=0, le=86_400)] | None = None

    @property
    def limit(self) -> int | None:
        """Returns the most tokens to answer with, None where the producer set no limit."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Returns the stop sequences."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else self.stop

    @model_validator(mode="after")
    def _check_limits(self) -> "CompletionRequest":
        if self.max_tokens and self.max_completion_tokens and self.max_tokens != self.max_completion_tokens:
            raise ValueError("max_tokens and max_completion_tokens differ; set one")
        return self
