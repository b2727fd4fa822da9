"""Schemas that must never reach the validator, each with the path and the reason."""

from typing import Any

Hostile = tuple[dict[str, Any], str, str]

TOO_LARGE = "has more than 50,000 schemas and literals, references written out"
TOO_DEEP = "is nested deeper than 100 levels, references counted"
LOOP = "leads back to itself for the same value"
LEAVES = "leaves the schema; only #/... within it is followed"
NOTHING = "names nothing in the schema; it must be # or #/..."
NOT_LINEAR = "is no regular expression, or needs more than linear time (look-around, back-references) or than 1 MB"
EXPONENTIAL = "takes exponential time in an engine that backtracks, as (a+)+ does"
NO_SCHEMA = "is not valid JSON Schema"
NO_DRAFT = "names no draft from 6 to 2020-12"


def referring(count: int, *keyword: str, times: int = 1) -> dict[str, Any]:
    """Returns a chain of definitions, each of which refers to the next one so many times."""
    definitions: dict[str, Any] = {f"d{count}": {"type": "string"}}
    for index in reversed(range(count)):
        reference: Any = {"$ref": f"#/$defs/d{index + 1}"}
        definitions[f"d{index}"] = {keyword[0]: [reference] * times} if keyword else reference
    return {"$ref": "#/$defs/d0", "$defs": definitions}


def nested(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    for _ in range(depth):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


def inside(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}}


HOSTILE: dict[str, Hostile] = {
    "a bomb of allOf": (referring(40, "allOf", times=2), "$defs.d26", TOO_LARGE),
    "a bomb of anyOf": (referring(6, "anyOf", times=10), "$defs.d1", TOO_LARGE),
    "a bomb by properties": (
        {
            "$ref": "#/$defs/d0",
            "$defs": {
                f"d{n}": {"properties": {name: {"$ref": f"#/$defs/d{n + 1}"} if n < 20 else True for name in "ab"}}
                for n in range(21)
            },
        },
        "$defs.d6",
        TOO_LARGE,
    ),
    "a bomb of unevaluatedProperties": (
        nested({"properties": {"a": True}}, 30),
        "allOf.0" + ".allOf.0" * 20,
        TOO_LARGE,
    ),
    "an enum of many objects": ({"enum": [{"a": [number]} for number in range(4_000)]}, "", TOO_LARGE),
    "a long chain of references": (referring(5_000), "$defs.d100", TOO_DEEP),
    "too many bytes": ({"description": "x" * 300_000}, "", "has 300,018 bytes as JSON; at most 262,144"),
    "itself": ({"$ref": "#"}, "", LOOP),
    "a circle": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        "$defs.a",
        LOOP,
    ),
    "a host": (inside({"$ref": "http://127.0.0.1:9/schema.json"}), "properties.a.$ref", LEAVES),
    "a file": (inside({"$ref": "file:///etc/passwd"}), "properties.a.$ref", LEAVES),
    "a relative file": (inside({"$ref": "other.json#/a"}), "properties.a.$ref", LEAVES),
    "a host beside a name of its own": (
        {"$id": "http://127.0.0.1:9/a", "$ref": "b"},
        "$ref",
        LEAVES,
    ),
    "a host that nothing refers to": ({"$defs": {"a": {"$ref": "http://127.0.0.1:9/"}}}, "$defs.a.$ref", LEAVES),
    "a name within": (inside({"$id": "http://127.0.0.1:9/"}), "properties.a.$id", "is not supported within a schema"),
    "nowhere": (inside({"$ref": "#/$defs/no"}), "properties.a.$ref", NOTHING),
    "an anchor": ({"$defs": {"a": {"$anchor": "x"}}, "$ref": "#x"}, "$ref", NOTHING),
    "a dynamic reference": (inside({"$dynamicRef": "#a"}), "properties.a.$dynamicRef", "is not supported; use $ref"),
    "nested repetition": (inside({"pattern": "^(a+)+$"}), "properties.a.pattern", EXPONENTIAL),
    "alternatives that overlap": (inside({"pattern": r"^(\w|[0-9])*$"}), "properties.a.pattern", EXPONENTIAL),
    "look-ahead": (inside({"pattern": "^(?!x)"}), "properties.a.pattern", NOT_LINEAR),
    "look-behind": (inside({"pattern": "(?<=x)y"}), "properties.a.pattern", NOT_LINEAR),
    "a back-reference": (inside({"pattern": r"^(a+)+\1$"}), "properties.a.pattern", NOT_LINEAR),
    "a huge pattern": (inside({"pattern": r"(\w{1000}){1000}"}), "properties.a.pattern", NOT_LINEAR),
    "a name's pattern": (
        inside({"patternProperties": {"(?=x)": {}}}),
        "properties.a.patternProperties.(?=x)",
        NOT_LINEAR,
    ),
    "half a pattern": (inside({"pattern": "(a"}), "properties.a.pattern", NOT_LINEAR),
    "an unknown type": (inside({"type": "strnig"}), "properties.a.type", NO_SCHEMA),
    "a list of properties": ({"properties": []}, "properties", NO_SCHEMA),
    "a negative length": (inside({"minLength": -1}), "properties.a.minLength", NO_SCHEMA),
    "an unknown draft": ({"$schema": "http://127.0.0.1:9/"}, "$schema", NO_DRAFT),
    "draft 4": ({"$schema": "http://json-schema.org/draft-04/schema#"}, "$schema", NO_DRAFT),
}
