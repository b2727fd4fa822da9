"""The tools of a request, which of them to call, and the form of the answer."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from typing_extensions import TypedDict  # pydantic accepts that of `typing` from Python 3.12 on

from worker.request.fields import Json, RequestModel, SmallDict, StrictBool, ToolName, Utf8Str
from worker.request.messages import CacheControl

MOST_TOOLS = 128


def _check_parameters(value: dict[Any, Any]) -> dict[Any, Any]:
    if value.get("type", "object") != "object":
        raise ValueError("the type must be 'object'")
    return value


class Function(RequestModel):
    """A function that a model may call; `parameters` is a JSON schema; without one it has no parameters."""

    name: ToolName
    description: Utf8Str | None = None
    parameters: Annotated[Json, AfterValidator(_check_parameters)] | None = None
    strict: StrictBool | None = None


class Tool(RequestModel):
    """A tool that a model may use."""

    type: Literal["function"]
    function: Function
    cache_control: CacheControl | None = None


class NamedToolChoice(RequestModel):
    """The choice of one function, which the model must call."""

    class _Name(RequestModel):
        name: ToolName

    type: Literal["function"]
    function: _Name


def _kind(choice: object) -> str | None:
    if isinstance(choice, str):
        return "word"
    return "named" if isinstance(choice, dict | NamedToolChoice) else None


Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")] | Annotated[NamedToolChoice, Tag("named")],
    Discriminator(
        _kind, custom_error_type="choice", custom_error_message="must be 'none', 'auto', 'required' or a function"
    ),
]


class PlainText(RequestModel):
    """An answer in free text, the default of every provider."""

    type: Literal["text"]


class JsonObject(RequestModel):
    """An answer that is some JSON object."""

    type: Literal["json_object"]


class Schema(TypedDict):
    """The schema of an answer. It is no pydantic model, because those cannot have a field `schema`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way to configure one

    name: ToolName
    description: NotRequired[Utf8Str | None]
    schema: Json
    strict: NotRequired[StrictBool | None]


class JsonSchema(RequestModel):
    """An answer that is JSON of this schema."""

    type: Literal["json_schema"]
    json_schema: Annotated[Schema, SmallDict]


ResponseFormat = Annotated[PlainText | JsonObject | JsonSchema, Field(discriminator="type")]
