"""Every request, in every dialect, streamed and plain, is one that the vendor's own types allow."""

from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from anthropic.lib._parse._transform import transform_schema

from config.providers import Dialect
from tests.worker.providers import asking
from tests.worker.providers.request_cases import FIELDS, HELLO, MESSAGES
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults
from worker.providers.anthropic.schema import closed_schema
from worker.providers.dialects import DIALECTS
from worker.request import parse

REQUESTS = [{"messages": messages, **fields} for messages, fields in product(MESSAGES.values(), FIELDS.values())]


def body(dialect: Dialect, request: dict[str, Any], stream: bool) -> dict[str, Any]:
    return asking.body(dialect, parse(request, ("default",)), stream=stream)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_request_is_one_that_the_vendors_types_allow(
    dialect: Dialect, stream: bool, record_property: Callable[[str, object], None]
) -> None:
    bodies = [body(dialect, request, stream) for request in REQUESTS]
    found = Counter(fault for sent in bodies for fault in faults(dialect, sent) + broken(dialect, sent))
    kinds = f"{len(MESSAGES)} conversations x {len(FIELDS)} sets of fields"
    record_property("counted", f"{kinds} = {len(REQUESTS)} requests")
    assert not found


def test_the_check_sees_what_a_vendor_does_not_know() -> None:
    sent = body("openai", {"messages": [HELLO]}, True)
    assert faults("openai", sent | {"metadat": {}}) == ["body.metadat: unknown"]
    assert faults("openai", {"model": "m", "messages": [{"role": "tool", "content": "x"}], "stream": False}) != []
    assert faults("anthropic", body("anthropic", {"messages": [HELLO]}, True) | {"temperature": 1.0}) != []
    assert faults("anthropic", sent) != []


SCHEMAS: list[dict[str, Any]] = [
    {"type": "integer", "minimum": 1, "description": "A number"},
    {"type": "string", "format": "email"},
    {"type": "string", "pattern": "^#", "format": "color"},
    {"type": "string", "enum": ["a", "b"], "default": "a"},
    {"const": 3},
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
    {"type": "array", "items": {"type": "object"}, "uniqueItems": True, "minItems": 3},
    {"oneOf": [{"type": "null"}, {"type": "number", "multipleOf": 2}]},
    {"allOf": [{"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": True}]},
    {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}},
    {"type": "object", "title": "T", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_is_what_the_vendors_own_client_makes_of_it(schema: dict[str, Any]) -> None:
    assert closed_schema(schema) == transform_schema(schema)


UNTYPED: list[dict[str, Any]] = [
    {"properties": {"a": {"items": {"type": "string"}}}, "required": ["a"]},
    {"items": {"properties": {"a": {"type": "string"}}}},
]


@pytest.mark.parametrize("schema", UNTYPED)
def test_a_schema_without_a_type_gets_the_one_that_is_meant(schema: dict[str, Any]) -> None:
    assert closed_schema(schema) == transform_schema(_typed(schema))


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    if "properties" in schema:
        inner = {name: _typed(each) for name, each in schema["properties"].items()}
        return {"type": "object", **schema, "properties": inner}
    return {"type": "array", **schema, "items": _typed(schema["items"])} if "items" in schema else schema


UNLIKE: list[Any] = [
    True,
    {},
    {"type": ["string", "null"], "maxLength": 3},
    {"enum": [{"a": 1}]},
    {"type": {"a": 1}},
    {"type": [["string"]]},
    {"type": "object", "properties": ["a"], "required": "a"},
    {"type": "string", "format": {"a": 1}},
    {"description": 5, "pattern": "^#"},
]


@pytest.mark.parametrize("schema", UNLIKE)
def test_a_schema_that_the_vendors_client_gives_up_on_is_still_sent(schema: Any) -> None:
    assert closed_schema(schema) is not None
