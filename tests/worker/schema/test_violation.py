"""Where an answer breaks its schema: the place and the keyword, and nothing of the answer."""

from typing import Any

import pytest

from worker.schema import compiled, violation

ITEM = {
    "type": "object",
    "properties": {
        "price": {"type": "number", "minimum": 0},
        "tag": {"anyOf": [{"type": "string", "pattern": "^[a-z]+$"}, {"type": "null"}]},
        "kind": {"oneOf": [{"const": 1}, {"type": "integer", "maximum": 1}]},
        "pet": {"oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}]},
    },
    "required": ["price"],
    "additionalProperties": False,
}
SCHEMA = {
    "$defs": {
        "item": ITEM,
        "cat": {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}},
        "dog": {"type": "object", "properties": {"kind": {"const": "dog"}, "name": {"type": "string"}}},
    },
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 3},
        "pair": {"prefixItems": [{"type": "string"}, {"enum": ["a", "b"]}], "items": False},
        "by_name": {"additionalProperties": {"type": "integer"}},
        "by_pattern": {"patternProperties": {"^x": {"type": "integer"}}, "unevaluatedProperties": False},
        "both": {"allOf": [{"minLength": 2}, {"maxLength": 3}]},
        "never": False,
        "mail": {"type": "string", "format": "email"},
        "either": {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 2}},
    },
    "required": ["items"],
}
SECRET = "Ada Lovelace"
CASES: dict[str, tuple[Any, str | None]] = {
    "right": ({"items": [{"price": 1}], "pair": ["x", "a"], "by_name": {"x": 1}}, None),
    "a format is a note": ({"items": [], "mail": SECRET}, None),
    "another type": ([SECRET], "the answer: breaks type"),
    "nothing": ({}, "the answer: breaks required"),
    "a type within": ({"items": [{"price": 1}, {"price": SECRET}]}, "items.1.price: breaks type"),
    "a bound": ({"items": [{"price": -1}]}, "items.0.price: breaks minimum"),
    "a name too many": ({"items": [{"price": 1, SECRET: 1}]}, "items.0: breaks additionalProperties"),
    "a name too few": ({"items": [{}]}, "items.0: breaks required"),
    "an optional": ({"items": [{"price": 1, "tag": SECRET}]}, "items.0.tag: breaks pattern"),
    "two alternatives": ({"items": [{"price": 1, "kind": 1}]}, "items.0.kind: breaks oneOf"),
    "an alternative by its constant": (
        {"items": [{"price": 1, "pet": {"kind": "cat", "lives": SECRET}}]},
        "items.0.pet.lives: breaks type",
    ),
    "no alternative": ({"items": [{"price": 1, "pet": {"kind": SECRET}}]}, "items.0.pet: breaks oneOf"),
    "too many": ({"items": [{"price": 1}] * 4}, "items: breaks maxItems"),
    "a place": ({"items": [], "pair": ["x", SECRET]}, "pair.1: breaks enum"),
    "one more": ({"items": [], "pair": ["x", "a", SECRET]}, "pair: breaks items"),
    "a value by a free name": ({"items": [], "by_name": {SECRET: SECRET}}, "by_name: breaks additionalProperties"),
    "a value by a pattern": ({"items": [], "by_pattern": {"x Ada": SECRET}}, "by_pattern: breaks patternProperties"),
    "a name by no pattern": ({"items": [], "by_pattern": {SECRET: 1}}, "by_pattern: breaks unevaluatedProperties"),
    "both": ({"items": [], "both": SECRET}, "both: breaks maxLength"),
    "never": ({"items": [], "never": SECRET}, "never: breaks false"),
    "a condition": ({"items": [], "either": "A"}, "either: breaks if"),
}


@pytest.mark.parametrize(("value", "expected"), CASES.values(), ids=CASES)
def test_the_place_and_the_keyword_are_named(value: Any, expected: str | None) -> None:
    assert violation(compiled(SCHEMA), value, 100) == expected


def test_a_name_that_would_break_the_line_is_not_shown() -> None:
    schema = {"properties": {"a\nb": {"properties": {"x" * 65: {"type": "string"}}}}}
    assert violation(compiled(schema), {"a\nb": {"x" * 65: 1}}, 100) == "*.*: breaks type"


def variant(operator: str) -> dict[str, Any]:
    expression = {"$ref": "#/$defs/expression"}
    return {
        "type": "object",
        "properties": {"left": expression, "right": expression, "operator": {"const": operator}},
        "required": ["left", "right", "operator"],
    }


def test_nested_alternatives_take_no_exponential_time() -> None:
    alternatives = [*map(variant, "abcd"), {"type": "integer"}]
    schema = {"$defs": {"expression": {"anyOf": alternatives}}, "$ref": "#/$defs/expression"}
    value: Any = SECRET
    for _ in range(60):
        value = {"left": value, "right": 1, "operator": "d"}
    assert violation(compiled(schema), value, 3_000) == "the answer: breaks anyOf"


def test_doubled_recursion_takes_no_exponential_time() -> None:
    node = {"$ref": "#/$defs/node"}
    schema = {"$defs": {"node": {"type": "object", "properties": {"a": {"allOf": [node, node]}}}}, **node}
    value: Any = SECRET
    for _ in range(60):
        value = {"a": value}
    assert violation(compiled(schema), value, 1_000) == ".".join("a" * 60) + ": breaks type"


def test_all_properties_of_a_large_schema_are_checked() -> None:
    schema = {"properties": {f"p{number}": {"type": ["string", "null"]} for number in range(5_000)}}
    value = {f"p{number}": "x" for number in range(5_000)}
    assert violation(compiled(schema), value, 60_000) is None
    assert violation(compiled(schema), value | {"p4999": 1}, 60_000) is not None


def test_what_would_take_seconds_is_not_checked() -> None:
    schema = {"items": {"allOf": [{"maximum": number} for number in range(9_000)]}}
    assert violation(compiled(schema), [0] * 3_000, 6_000) == "too large to be checked against its schema"
    patterns = {"allOf": [{"pattern": f"^[a-z]*{number}?$"} for number in range(500)]}
    assert violation(compiled(patterns), "x" * 200_000, 200_000) == "too large to be checked against its schema"
