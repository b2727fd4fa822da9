"""Converts a JSON schema for Anthropic's structured outputs and strict tools.

They refuse keywords that they cannot enforce. As in Anthropic's own clients, such a keyword moves to the description,
where the model may follow it; `oneOf` becomes `anyOf`, and every object is closed.
"""

from typing import Any

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_WITHOUT_TYPE = {"enum", "const", "anyOf", "oneOf", "allOf"}
_SAME = {"title": str, "description": str, "required": list}


def closed_schema(schema: Any) -> Any:
    """Returns the schema with supported keywords only."""
    if not isinstance(schema, dict):
        return schema
    remaining, kinds = dict(schema), _kind(schema)
    kept: dict[str, Any] = {}
    for name in ("$defs", "definitions"):
        if isinstance(schemas := remaining.pop(name, None), dict):
            kept[name] = {key: closed_schema(value) for key, value in schemas.items()}
    if "$ref" in remaining:
        return kept | {"$ref": remaining["$ref"]}
    kept |= _values(remaining, kinds)
    kept |= {name: remaining.pop(name) for name in _SAME if isinstance(remaining.get(name), _SAME[name])}
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, str) and kind in _INSIDE:
            kept |= _INSIDE[kind](remaining)
    if remaining:
        unsupported = "{" + ", ".join(f"{key}: {value}" for key, value in remaining.items()) + "}"
        kept["description"] = "\n\n".join(filter(None, (kept.get("description"), unsupported)))
    return kept


def _kind(schema: dict[str, Any]) -> Any:
    """Returns the type, or the one that is meant where there is none: Anthropic wants it."""
    if "type" in schema or schema.keys() & _WITHOUT_TYPE:
        return schema.get("type")
    return "object" if isinstance(schema.get("properties"), dict) else "array" if "items" in schema else None


def _values(remaining: dict[str, Any], kind: Any) -> dict[str, Any]:
    """Moves the keywords that define the values: literals, else alternatives, else the type."""
    remaining.pop("type", None)
    literals = {}
    if isinstance(remaining.get("enum"), list) and remaining["enum"] and all(map(_is_plain, remaining["enum"])):
        literals["enum"] = remaining.pop("enum")
    if "const" in remaining and _is_plain(remaining["const"]):
        literals["const"] = remaining.pop("const")
    among = {name: remaining.pop(name) for name in ("anyOf", "oneOf", "allOf") if isinstance(remaining.get(name), list)}
    for name, schemas in among.items():
        return literals | {"anyOf" if name == "oneOf" else name: [closed_schema(schema) for schema in schemas]}
    return literals or ({} if kind is None else {"type": kind})


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _object(remaining: dict[str, Any]) -> dict[str, Any]:
    properties = remaining.pop("properties") if isinstance(remaining.get("properties"), dict) else {}
    remaining.pop("additionalProperties", None)
    return {
        "properties": {name: closed_schema(schema) for name, schema in properties.items()},
        "additionalProperties": False,
    }


def _string(remaining: dict[str, Any]) -> dict[str, Any]:
    known = isinstance(remaining.get("format"), str) and remaining["format"] in _FORMATS
    return {"format": remaining.pop("format")} if known else {}


def _array(remaining: dict[str, Any]) -> dict[str, Any]:
    kept = {"items": closed_schema(remaining.pop("items"))} if "items" in remaining else {}
    return kept | ({"minItems": remaining.pop("minItems")} if remaining.get("minItems") in (0, 1) else {})


_INSIDE = {"object": _object, "string": _string, "array": _array}
