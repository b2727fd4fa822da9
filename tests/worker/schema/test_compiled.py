"""What schemas are compiled, and which are refused before the validator gets them."""

import json
import socket
import threading
from typing import Any

import pytest

from tests.worker.schema.hostile import HOSTILE, Hostile
from worker.schema import SchemaFault, compiled, violation
from worker.schema.compiled import MOST_KEPT

NODE = {
    "$defs": {"node": {"properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}},
    "$ref": "#/$defs/node",
}
ACCEPTED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a recursive schema": NODE,
    "itself, deeper": {"type": "object", "properties": {"a": {"$ref": "#"}}},
    "itself twice, deeper": {"items": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}},
    "5,000 properties": {"properties": {f"p{n}": {"type": "string"} for n in range(5_000)}},
    "a thousand literals": {"enum": list(range(1_000))},
    "one definition, often": {
        "$defs": {"a": {"type": "string"}},
        "properties": {f"p{n}": {"$ref": "#/$defs/a"} for n in range(1_000)},
    },
    "draft 7, as Zod writes it": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"a": {"type": "string"}},
        "properties": {"a": {"$ref": "#/definitions/a"}},
    },
    "a name of its own": {"$id": "https://example.com/a", "$defs": {"b": {}}, "$ref": "#/$defs/b"},
    "a pointer with escapes": {"$defs": {"a/b~c%d": {}}, "$ref": "#/$defs/a~1b~0c%25d"},
    "a property called $ref": {"properties": {"$ref": {"type": "string"}, "pattern": {}, "enum": {}}},
    "a reference as a value": {"const": {"$ref": "http://127.0.0.1:9/"}, "examples": [{"$ref": "file:///"}]},
    "keywords of OpenAPI": {"type": "string", "nullable": True, "example": "x", "format": "email"},
}


@pytest.mark.parametrize("schema", ACCEPTED.values(), ids=ACCEPTED)
def test_usual_schemas_are_compiled(schema: dict[str, Any]) -> None:
    assert compiled(schema).schema == schema


@pytest.mark.parametrize("name", ["Page[int]", "Größe", "a b", 'a"b', "a/b~c%d", "100%", "{a}"])
def test_a_reference_may_have_any_character(name: str) -> None:
    reference = "#/$defs/" + name.replace("~", "~0").replace("/", "~1").replace("%", "%25")
    schema = {"$defs": {name: {"type": "string"}}, "properties": {"a": {"$ref": reference}}}
    assert violation(compiled(schema), {"a": "x"}, 10) is None
    assert violation(compiled(schema), {"a": 1}, 10) == "a: breaks type"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_schemas_are_refused_with_path_and_reason(hostile: Hostile) -> None:
    schema, path, reason = hostile
    for _ in range(2):  # the second time it is known
        with pytest.raises(SchemaFault) as refused:
            compiled(schema)
        assert (".".join(map(str, refused.value.path)), refused.value.reason) == (path, reason)


def test_nothing_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        for schema in ({"$ref": url}, {"$schema": url}, {"$defs": {"a": {"$id": url}}}, {"$id": url, "$ref": "a"}):
            with pytest.raises(SchemaFault):
                compiled(schema)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_equal_schema_is_compiled_once() -> None:
    assert compiled({"maxLength": 7}).validator is compiled(json.loads('{"maxLength": 7}')).validator
    assert compiled({"const": 1}).validator is not compiled({"const": True}).validator


def test_only_the_last_schemas_are_kept() -> None:
    first, used = compiled({"maxLength": 1}), compiled({"maxLength": 2})
    for number in range(MOST_KEPT - 1):
        compiled({"minLength": number})
        compiled({"maxLength": 2})
    assert compiled({"maxLength": 2}).validator is used.validator
    assert compiled({"maxLength": 1}).validator is not first.validator


def test_of_large_schemas_fewer_are_kept() -> None:
    small = compiled({"maxLength": 3})
    for number in range(18):
        compiled({"description": "x" * 240_000, "title": str(number)})
    assert compiled({"maxLength": 3}).validator is not small.validator


def test_what_drafts_leave_open_is_a_note() -> None:
    draft = "http://json-schema.org/draft-07/schema#"
    schema = {"$schema": draft, "contentEncoding": "base64", "contentMediaType": "application/json", "format": "email"}
    assert compiled(schema).validator.is_valid("!")


def test_a_schema_that_changes_later_is_another_one() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
    before = compiled(schema)
    schema["properties"]["a"] = {"type": "integer"}
    assert before.schema["properties"]["a"] == {"type": "string"}
    assert compiled(schema).validator.is_valid({"a": 1})


def test_threads_compile_side_by_side() -> None:
    found: list[bool] = []

    def check(number: int) -> None:
        found.extend(compiled({"maxLength": n}).validator.is_valid("x" * n) for n in range(number, number + 200))

    threads = [threading.Thread(target=check, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1_600
    assert all(found)
