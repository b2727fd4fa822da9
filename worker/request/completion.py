"""The whole request."""

from collections.abc import Collection, Mapping
from itertools import chain, islice
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from worker.errors import InvalidRequest
from worker.request.conversation import faults, has_images, tool_faults
from worker.request.field_errors import MOST_SHOWN, describe_errors
from worker.request.fields import (
    Count,
    Integer,
    Json,
    NonEmptyStr,
    Number,
    RequestModel,
    SmallDict,
    StrictBool,
    Utf8Str,
    at_most,
)
from worker.request.messages import Assistant, Message
from worker.request.tools import MOST_TOOLS, Choice, JsonObject, JsonSchema, ResponseFormat, Tool

_MOST_MESSAGES = 10_000
_OURS = ("messages", "model", "n", "stream", "stream_options")


def _as_tuple(stop: object) -> object:
    return (stop,) if isinstance(stop, str) else stop


def _check_options(value: dict[Any, Any]) -> dict[Any, Any]:
    if found := [name for name in _OURS if name in value]:
        raise ValueError(f"must not set {', '.join(found)}")
    return value


class CompletionRequest(RequestModel):
    """A request for one completion.

    | field | meaning |
    |---|---|
    | `timeout` | seconds from queueing to answer; the chain's if None |
    | `model` | a tier, such as `fast` |
    | `metadata` | stored with the request, never sent to a provider |
    | `provider_options` | by a provider's name; merged into the body for that provider alone |
    | `n`, `stream` | only their defaults, 1 and false, are accepted |
    """

    messages: Annotated[tuple[Message, ...], Field(min_length=1), BeforeValidator(at_most(_MOST_MESSAGES))]
    model: Utf8Str = "default"
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    stop: Annotated[tuple[NonEmptyStr, ...], BeforeValidator(at_most(4)), BeforeValidator(_as_tuple)] | None = None
    seed: Integer | None = None
    user: Utf8Str | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    tools: Annotated[tuple[Tool, ...], Field(fail_fast=True), BeforeValidator(at_most(MOST_TOOLS))] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: ResponseFormat | None = None
    metadata: Annotated[dict[Utf8Str, Utf8Str], SmallDict] | None = None
    provider_options: Annotated[dict[Utf8Str, Annotated[Json, AfterValidator(_check_options)]], SmallDict] | None = None
    timeout: Annotated[Number, Field(gt=0, le=86_400)] | None = None
    n: Integer | None = None
    stream: StrictBool | None = None

    @property
    def limit(self) -> int | None:
        """Returns the token limit of the answer, None if the producer set none."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Returns the stop sequences."""
        return self.stop or ()

    @property
    def needs(self) -> frozenset[str]:
        """Returns the capabilities that a provider must have, of `tools`, `images`, `schema`, `json` and `prefill`."""
        needs = {
            "tools": bool(self.tools),
            "images": has_images(self.messages),
            "schema": isinstance(self.response_format, JsonSchema),
            "json": isinstance(self.response_format, JsonObject),
            "prefill": isinstance(self.messages[-1], Assistant),
        }
        return frozenset(capability for capability, needed in needs.items() if needed)

    def wire(self) -> dict[str, Any]:
        """Returns JSON values that `parse` turns into this request again, without fields that were not set."""
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
    """Returns the validated request; its `model` must be one of `tiers`.

    Raises:
        InvalidRequest: one line names each invalid field and the reason, and quotes no value.
    """
    given = dict(payload) if isinstance(payload, Mapping) else payload
    try:
        request = CompletionRequest.model_validate(given, context=tiers)
    except ValidationError as exc:
        # `from None`: the original holds the input, and a traceback travels with a failed task.
        raise InvalidRequest(describe_errors(exc, given)) from None
    found = chain(faults(request.messages), tool_faults(request.tools or (), request.tool_choice))
    if shown := list(islice(found, MOST_SHOWN)):
        raise InvalidRequest("; ".join(shown))
    return request
