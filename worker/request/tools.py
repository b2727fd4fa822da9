"""The tools of a request, which of them to call, and the form of the answer."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from typing_extensions import TypedDict  # pydantic takes that of `typing` from Python 3.12 on

from worker.request.fields import Few, Json, Part, Str, ToolName, Truth

MOST_TOOLS = 128


def _check_parameters(value: dict[Any, Any]) -> dict[Any, Any]:
    if value.get("type", "object") != "object":
        raise ValueError("the type must be 'object'")
    return value


class Function(Part):
    """A function that a model may call; `parameters` is a JSON schema, without one it takes none."""

    name: ToolName
    description: Str | None = None
    parameters: Annotated[Json, AfterValidator(_check_parameters)] | None = None
    strict: Truth | None = None


class Tool(Part):
    """One tool."""

    type: Literal["function"]
    function: Function


class Named(Part):
    """The one function to call."""

    class _Name(Part):
        name: ToolName

    type: Literal["function"]
    function: _Name


def _kind(choice: object) -> str | None:
    if isinstance(choice, str):
        return "word"
    return "named" if isinstance(choice, dict | Named) else None


Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")] | Annotated[Named, Tag("named")],
    Discriminator(
        _kind, custom_error_type="choice", custom_error_message="must be 'none', 'auto', 'required' or a function"
    ),
]


class PlainText(Part):
    """An answer in free text, which is what everyone gives without being asked."""

    type: Literal["text"]


class JsonObject(Part):
    """An answer that is some JSON object."""

    type: Literal["json_object"]


class Schema(TypedDict):
    """The schema of an answer. No model of pydantic's: those have no field called `schema`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way to configure one

    name: ToolName
    description: NotRequired[Str | None]
    schema: Json
    strict: NotRequired[Truth | None]


class JsonSchema(Part):
    """An answer that is JSON of this schema."""

    type: Literal["json_schema"]
    json_schema: Annotated[Schema, Few]


ResponseFormat = Annotated[PlainText | JsonObject | JsonSchema, Field(discriminator="type")]
