"""The types of a request's fields."""

import math
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MOST_ENTRIES = 64
"""The most fields of an object, and entries of a small dict."""

DEEPEST = 64
"""The most levels of a JSON value: vendors accept 10 levels of a schema, each two or three levels of JSON."""

MOST_VALUES = 200_000

_SURROGATE = "has half of a surrogate pair, which no UTF-8 text can hold"


def at_most(limit: int) -> Callable[[object], object]:
    """Returns a validator of an item count, to run before the items are validated.

    pydantic keeps about a kilobyte for each invalid item: 2 GB for a 4 MB list of them.
    """

    def check(value: object) -> object:
        if isinstance(value, dict | list | tuple) and len(value) > limit:
            raise ValueError(f"must have at most {limit} items")
        return value

    return check


def _check_utf8(value: str) -> str:
    if _is_utf8(value):
        return value
    raise ValueError(_SURROGATE)


def _is_utf8(value: str) -> bool:
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:  # its text quotes the value
        return False


def check_json(value: dict[Any, Any]) -> dict[Any, Any]:
    """Returns the value unchanged if it is portable JSON. It stops at the first error and needs bounded memory.

    Raises:
        ValueError: a value is not JSON, or parsers differ on it; or the object is too deep or too large.
    """
    level: list[Any] = [value]
    remaining = MOST_VALUES
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
        remaining -= len(level)
        if not level:
            return value
        if remaining < 0:
            raise ValueError(f"has more than {MOST_VALUES} values")
    raise ValueError(f"is nested deeper than {DEEPEST} levels")


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        _check_utf8(value)
    elif isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise ValueError("has a name that is no string")
            _check_utf8(name)
        return value.values()
    elif isinstance(value, list | tuple):
        return value
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("has a number that is not finite")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise ValueError("has an integer of more than 64 bits")
    elif value is not None:
        raise ValueError("has a value that is not JSON")
    return ()


Utf8Str = Annotated[str, AfterValidator(_check_utf8)]
NonEmptyStr = Annotated[str, Field(min_length=1), AfterValidator(_check_utf8)]
ToolName = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]{1,64}\z")]
ParticipantName = Annotated[str, Field(pattern=r"\A[^\s<|\\/>]{1,64}\z"), AfterValidator(_check_utf8)]
Count = Annotated[int, Field(strict=True, gt=0, le=10_000_000)]
Number = Annotated[float, Field(strict=True)]
Integer = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
StrictBool = Annotated[bool, Field(strict=True)]
Json = Annotated[dict[Any, Any], AfterValidator(check_json)]
SmallDict = BeforeValidator(at_most(MOST_ENTRIES))


class RequestModel(BaseModel):
    """The base of all objects of a request: frozen, small, without unknown fields, and with an empty repr."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True, revalidate_instances="always"
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: object) -> object:
        return at_most(MOST_ENTRIES)(value)
