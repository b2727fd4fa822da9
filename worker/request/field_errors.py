"""Describes validation errors as one line for the producer."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

MOST_SHOWN = 20
"""Errors in one line."""

_LONGEST_NAME = 64
_TAGGED = ("messages", "parts")
"""The steps before an index after which pydantic adds the item's tag; `parts` is such a tag itself."""

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


def describe_errors(exc: ValidationError, payload: object) -> str:
    """Returns `path: reason; path: reason`. It names at most 20 fields and quotes no value."""
    errors = exc.errors(include_url=False, include_input=False)
    above = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    lines = [f"{_path(error, payload)}: {_reason(error)}" for error in errors if not _follows(error, above)]
    unique = list(dict.fromkeys(lines))
    more = [f"and {len(unique) - MOST_SHOWN} more"] if len(unique) > MOST_SHOWN else []
    return "; ".join(unique[:MOST_SHOWN] + more)


def _follows(error: ErrorDetails, above: set[tuple[int | str, ...]]) -> bool:
    """Returns whether a list is too short only because pydantic removed its invalid items."""
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
    """Yields the fields on the path to an error, without pydantic's own names of a union's members."""
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
    """Returns the name of a field, or its escaped beginning if it is long or could break the line."""
    name = str(step)
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else ascii(name[:_LONGEST_NAME])
