"""What is wrong with a request, as one line that its producer can act on."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_MOST_TOLD = 20
_LONGEST_NAME = 64
_TAGGED = ("messages", "parts")
"""What pydantic writes ahead of an index whose item it names by its tag too; `parts` is such a tag itself."""

_EXPLAINED = {
    "dict_type": "must be an object",
    "extra_forbidden": "unknown field",
    "missing": "missing",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "none_required": "must be null",
    "string_unicode": "has half of a surrogate pair, which no UTF-8 text can hold",
    "tuple_type": "must be a list",
    "union_tag_not_found": "missing",
}


def tell(exc: ValidationError, payload: object) -> str:
    """Returns `path: reason; path: reason`. It names fields, at most 20 of them, and quotes no value."""
    errors = exc.errors(include_url=False, include_input=False)
    above = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    lines = [f"{_path(error, payload)}: {_reason(error)}" for error in errors if not _follows(error, above)]
    told = list(dict.fromkeys(lines))
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return "; ".join(told[:_MOST_TOLD] + more)


def _follows(error: ErrorDetails, above: set[tuple[int | str, ...]]) -> bool:
    """Says whether a list counts as too short only because pydantic left its bad items out."""
    return error["type"] in ("too_short", "too_long") and error["loc"] in above


def _reason(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "union_tag_invalid":  # pydantic's own text quotes the value
            return f"must be one of {context['expected_tags']}".replace("'", "")
        case "too_short":
            return f"must have at least {context['min_length']} item"
        case "too_long":
            return f"must have at most {context['max_length']} items"
        case kind:
            return _EXPLAINED.get(kind) or error["msg"].removeprefix("Value error, ").replace("Input should", "must")


def _path(error: ErrorDetails, payload: object) -> str:
    steps = list(_steps(error, payload))
    if error["type"].startswith("union_tag"):
        steps.append(str(error["ctx"]["discriminator"]).strip("'"))
    return ".".join(steps) or "request"


def _steps(error: ErrorDetails, payload: object) -> Iterator[str]:
    """Yields the fields that lead to an error, without pydantic's own names for the member of a union."""
    value: Any = payload
    *inner, last = error["loc"] or ("",)
    for index, step in enumerate(inner):
        if isinstance(step, int) or (step in _fields(value) and not _is_tag(inner, index)):
            yield printable(step)
            value = _item(value, step)
    if last in _fields(value) or isinstance(last, int) or error["type"] == "missing":
        yield printable(last)


def _is_tag(steps: list[int | str], index: int) -> bool:
    return index > 1 and isinstance(steps[index - 1], int) and steps[index - 2] in _TAGGED


def _fields(value: object) -> Mapping[Any, Any]:
    if isinstance(value, BaseModel):
        return value.__dict__
    return value if isinstance(value, Mapping) else {}


def _item(value: Any, step: int | str) -> Any:
    if isinstance(value, list | tuple):
        return value[step] if isinstance(step, int) and step < len(value) else None
    return _fields(value).get(step)


def printable(step: int | str) -> str:
    """Returns the name of a field, or its beginning where it is long or breaks the line."""
    name = str(step)
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else ascii(name[:_LONGEST_NAME])
