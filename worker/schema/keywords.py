"""The keywords of JSON Schema that hold schemas, from draft 6 to draft 2020-12."""

from collections.abc import Iterator
from typing import Any

from worker.schema.pointers import Path

_BESIDE = {"not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies"}
"""Their schemas are for the same value."""

_INSIDE = {"items", "additionalItems", "additionalProperties", "contains", "propertyNames"}
_INSIDE |= {"unevaluatedItems", "unevaluatedProperties", "prefixItems", "properties", "patternProperties"}
"""Their schemas are for what stands inside the value."""

_BY_NAME = {"properties", "patternProperties", "dependentSchemas", "dependencies"}
_IN_LIST = {"allOf", "anyOf", "oneOf", "prefixItems", "items", "dependencies"}


def beside(schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yields the schemas that a schema applies to the same value, each with its path; not those of references."""
    return _schemas(schema, _BESIDE)


def inside(schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yields the schemas that a schema applies to the value's properties and items, each with its path."""
    return _schemas(schema, _INSIDE)


def definitions(schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yields the schemas that only references use, each with its path."""
    for keyword in ("$defs", "definitions"):
        if isinstance(found := schema.get(keyword), dict):
            yield from (((keyword, name), each) for name, each in found.items())


def _schemas(schema: dict[str, Any], keywords: set[str]) -> Iterator[tuple[Path, Any]]:
    for keyword, value in schema.items():
        if keyword not in keywords:
            continue
        if isinstance(value, dict) and keyword in _BY_NAME:
            yield from (((keyword, name), each) for name, each in value.items())
        elif isinstance(value, list) and keyword in _IN_LIST:
            yield from (((keyword, index), each) for index, each in enumerate(value))
        else:
            yield (keyword,), value
