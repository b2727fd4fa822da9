"""A JSON schema as Anthropic's structured outputs and strict tools take it.

They refuse what they cannot hold a model to. As in Anthropic's own clients, such a keyword goes into the description,
where the model may heed it; `oneOf` becomes `anyOf`, and every object is closed.
"""

from typing import Any

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_SAME = {"title": str, "description": str, "required": list}


def fitted(schema: Any) -> Any:
    """Returns the schema with only such keywords as are taken."""
    if not isinstance(schema, dict):
        return schema
    rest = dict(schema)
    kept: dict[str, Any] = {}
    for name in ("$defs", "definitions"):
        if isinstance(schemas := rest.pop(name, None), dict):
            kept[name] = {key: fitted(value) for key, value in schemas.items()}
    if "$ref" in rest:
        return kept | {"$ref": rest["$ref"]}
    kept |= _what(rest)
    kept |= {name: rest.pop(name) for name in _SAME if isinstance(rest.get(name), _SAME[name])}
    kinds = schema.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, str) and kind in _INSIDE:
            kept |= _INSIDE[kind](rest)
    if rest:
        told = "{" + ", ".join(f"{key}: {value}" for key, value in rest.items()) + "}"
        kept["description"] = "\n\n".join(filter(None, (kept.get("description"), told)))
    return kept


def _what(rest: dict[str, Any]) -> dict[str, Any]:
    """Takes out what says which values there are: literals, else alternatives, else the type."""
    kind = rest.pop("type", None)
    literals = {}
    if isinstance(rest.get("enum"), list) and rest["enum"] and all(map(_is_plain, rest["enum"])):
        literals["enum"] = rest.pop("enum")
    if "const" in rest and _is_plain(rest["const"]):
        literals["const"] = rest.pop("const")
    among = {name: rest.pop(name) for name in ("anyOf", "oneOf", "allOf") if isinstance(rest.get(name), list)}
    for name, schemas in among.items():
        return literals | {"anyOf" if name == "oneOf" else name: [fitted(schema) for schema in schemas]}
    return literals or ({} if kind is None else {"type": kind})


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _object(rest: dict[str, Any]) -> dict[str, Any]:
    properties = rest.pop("properties") if isinstance(rest.get("properties"), dict) else {}
    rest.pop("additionalProperties", None)
    return {
        "properties": {name: fitted(schema) for name, schema in properties.items()},
        "additionalProperties": False,
    }


def _string(rest: dict[str, Any]) -> dict[str, Any]:
    known = isinstance(rest.get("format"), str) and rest["format"] in _FORMATS
    return {"format": rest.pop("format")} if known else {}


def _array(rest: dict[str, Any]) -> dict[str, Any]:
    kept = {"items": fitted(rest.pop("items"))} if "items" in rest else {}
    return kept | ({"minItems": rest.pop("minItems")} if rest.get("minItems") in (0, 1) else {})


_INSIDE = {"object": _object, "string": _string, "array": _array}
