"""What a JSON schema of pydantic allows, in words for a cell of a table."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from config.frozen import Name
from config.providers import Variable

Schema = Mapping[str, Any]
"""A JSON schema, or a part of one."""

_KINDS = {"boolean": "`true` or `false`", "integer": "whole number", "number": "number", "string": "text"}
_PATTERNS = {
    TypeAdapter(Name).json_schema()["pattern"]: "name",
    TypeAdapter(Variable).json_schema()["pattern"]: "name of a variable",
}
_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "above"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)


def resolved(schema: Schema, root: Schema) -> Schema:
    """Returns the schema that a reference leads to, or the schema itself."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return root["$defs"][name] if name else schema


def present(schema: Schema) -> Schema:
    """Returns what a field may be if it is not null."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else schema


def described(schema: Schema, root: Schema) -> str:
    """Returns the values that a schema allows, in words."""
    here = resolved(present(schema), root)
    if options := here.get("anyOf") or here.get("oneOf"):
        return " or ".join(dict.fromkeys(described(option, root) for option in options))
    if "const" in here or "enum" in here:
        return ", ".join(f"`{_plain(value)}`" for value in here.get("enum", [here.get("const")]))
    match here.get("type"):
        case "null":
            return "null"
        case "array":
            items = described(here["items"], root) if "items" in here else "values"
            return f"list of {f'({items})' if ' or ' in items else items}{_at_least(here)}"
        case "object":
            return "table"
        case str(kind):
            return _scalar(kind, here)
    return "any JSON value"


def default(schema: Schema) -> str:
    """Returns a default as inline code, `none` where there is nothing, or that the field is required."""
    if "default" not in schema:
        return "required"
    value = schema["default"]
    return "none" if value in (None, "", []) else f"`{json.dumps(value)}`"


def _scalar(kind: str, schema: Schema) -> str:
    if schema.get("format") == "password":
        return "secret"
    words = _PATTERNS.get(schema.get("pattern"), _KINDS[kind])
    return " ".join((words, _bounds(schema))).strip()


def _bounds(schema: Schema) -> str:
    if schema.get("minimum", 0) <= -(2**63):
        return "of 64 bits"
    if "minimum" in schema and "maximum" in schema:
        return f"from {_number(schema['minimum'])} to {_number(schema['maximum'])}"
    return ", ".join(f"{word} {_number(schema[key])}" for key, word in _BOUNDS if key in schema)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _at_least(schema: Schema) -> str:
    return f", at least {schema['minItems']}" if "minItems" in schema else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
