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
from worker.request.answer_form import form_faults, is_checked
from worker.request.conversation import faults, part_types, tool_faults
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
from worker.request.messages import Assistant, Message, Texts
from worker.request.model_names import ModelNames
from worker.request.replayed import normalised
from worker.request.tools import MOST_TOOLS, Choice, JsonObject, JsonSchema, ResponseFormat, Tool

_MOST_MESSAGES = 10_000
_OURS = ("messages", "model", "n", "stream", "stream_options")

Penalty = Annotated[Number, Field(ge=-2, le=2)]
Bias = Annotated[Integer | Number, Field(ge=-100, le=100)]
Word = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.-]{1,64}\z")]


def _as_tuple(stop: object) -> object:
    return (stop,) if isinstance(stop, str) else stop


def _check_options(value: dict[Any, Any]) -> dict[Any, Any]:
    if found := [name for name in _OURS if name in value]:
        raise ValueError(f"must not set {', '.join(found)}")
    return value


class StreamOptions(RequestModel):
    """Options of a stream. They are accepted and ignored, because the caller gets no stream."""

    include_usage: StrictBool | None = None
    include_obfuscation: StrictBool | None = None


class Prediction(RequestModel):
    """What most of the answer will be, so that it comes sooner."""

    type: Literal["content"]
    content: Texts


class CompletionRequest(RequestModel):
    """A request for one completion.

    | field | meaning |
    |---|---|
    | `timeout` | seconds from queueing to answer; the chain's if None |
    | `model` | a tier, such as `fast` |
    | `metadata` | stored with the request, never sent to a provider |
    | `check_schema` | whether an answer of another form than `response_format` asks for is a failed attempt |
    | `provider_options` | by a provider's name; merged into the body for that provider alone |
    | `n`, `stream`, `modalities` | only their defaults, 1, false and `["text"]`, are accepted |
    | `functions`, `function_call` | the older form of `tools` and `tool_choice`, which they become |
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
    check_schema: StrictBool | None = None
    metadata: Annotated[dict[Utf8Str, Utf8Str], SmallDict] | None = None
    provider_options: Annotated[dict[Utf8Str, Annotated[Json, AfterValidator(_check_options)]], SmallDict] | None = None
    timeout: Annotated[Number, Field(gt=0, le=86_400)] | None = None
    n: Integer | None = None
    stream: StrictBool | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: Annotated[dict[Utf8Str, Bias], BeforeValidator(at_most(1_024))] | None = None
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=20)] | None = None
    top_k: Annotated[Integer, Field(ge=-1, le=1_000_000)] | None = None
    min_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[Number, Field(gt=0, le=2)] | None = None
    service_tier: Word | None = None
    store: StrictBool | None = None
    prediction: Prediction | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    safety_identifier: Utf8Str | None = None
    prompt_cache_key: Utf8Str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    modalities: tuple[Literal["text"]] | None = None
    stream_options: StreamOptions | None = None
    functions: None = None
    function_call: None = None

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
        """Returns the capabilities that a provider must have, named as in `config.providers.Capability`."""
        types = part_types(self.messages)
        needs = {
            "tools": bool(self.tools),
            "images": "image_url" in types,
            "files": "file" in types,
            "audio": "input_audio" in types,
            "schema": isinstance(self.response_format, JsonSchema),
            "json": isinstance(self.response_format, JsonObject),
            "prefill": isinstance(self.messages[-1], Assistant),
        }
        return frozenset(capability for capability, needed in needs.items() if needed)

    @property
    def checks_answer(self) -> bool:
        """Returns whether an answer must have the form of `response_format`; not where it goes on with a message."""
        is_whole = not isinstance(self.messages[-1], Assistant)
        return is_whole and is_checked(self.response_format, self.check_schema)

    def wire(self) -> dict[str, Any]:
        """Returns JSON values that `parse` turns into this request again, without fields that were not set."""
        return self.model_dump(mode="json", exclude_unset=True)

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, value: Any) -> Any:
        return normalised(value) if isinstance(value, Mapping) else value

    @field_validator("model")
    @classmethod
    def _check_model(cls, value: str, info: ValidationInfo) -> str:
        return info.context.tier(value) if isinstance(info.context, ModelNames) else value

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


def parse(payload: CompletionRequest | Mapping[str, Any], names: Collection[str] | ModelNames) -> CompletionRequest:
    """Returns the validated request; its `model` becomes a tier.

    Args:
        payload: the request, or its JSON values.
        names: the tiers, and the names of models that stand for them.

    Raises:
        InvalidRequest: one line names each invalid field and the reason, and quotes no value.
    """
    given = dict(payload) if isinstance(payload, Mapping) else payload
    known = names if isinstance(names, ModelNames) else ModelNames(names)
    try:
        request = CompletionRequest.model_validate(given, context=known)
    except ValidationError as exc:
        # `from None`: the original holds the input, and a traceback travels with a failed task.
        found = normalised(given) if isinstance(given, dict) else given
        raise InvalidRequest(describe_errors(exc, found)) from None
    wrong = chain(
        faults(request.messages),
        tool_faults(request.tools or (), request.tool_choice),
        form_faults(request.response_format, request.check_schema),
    )
    if shown := list(islice(wrong, MOST_SHOWN)):
        raise InvalidRequest("; ".join(shown))
    return request
