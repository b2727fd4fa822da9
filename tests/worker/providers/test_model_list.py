import json
from typing import Any

import pytest

from worker.providers.model_list import LONGEST, MOST, Listed, Listing, listing


def listed(*entries: Any, **beside: Any) -> Listing:
    found = listing(json.dumps({"data": entries, **beside}).encode())
    assert found
    return found


# As the vendors' own types and the servers have them; what a list says beside this is left out here.
ANTHROPIC = {
    "id": "claude-sonnet-4-5-20250929",
    "created_at": "2025-09-29T00:00:00Z",
    "lifecycle": "deprecated",
    "retires_at": "2026-11-30T00:00:00Z",
    "line": {"id": "sonnet"},
}
OPENAI = {"id": "gpt-5", "created": 1_754_425_777, "object": "model", "owned_by": "system"}
ROUTER = {"id": "a.gguf", "aliases": ["a", "a.gguf", 7], "created": 1_795_401_607}


@pytest.mark.parametrize(
    ("entry", "model"),
    [
        (ANTHROPIC, Listed(ANTHROPIC["id"], "deprecated", 1_759_104_000.0, 1_795_996_800.0)),
        ({"id": "x", "lifecycle": "active", "retires_at": None, "created_at": "1970-01-01T00:00:00Z"}, Listed("x")),
        (OPENAI, Listed("gpt-5", "active", 1_754_425_777.0)),
        (
            {**OPENAI, "shutdown_date": "2026-12-11"},
            Listed("gpt-5", "deprecated", 1_754_425_777.0, 1_796_947_200.0),
        ),
        (
            {**ROUTER, "status": {"value": "loaded", "args": ["--api-key", "secret"]}},
            Listed("a.gguf", "loaded", 1_795_401_607.0, None, ("a",)),
        ),
        (
            {**ROUTER, "status": {"value": "unloaded", "failed": True, "exit_code": 1}},
            Listed("a.gguf", "failed", 1_795_401_607.0, None, ("a",)),
        ),
        ({"id": "x", "created": "soon", "created_at": "10", "shutdown_date": "?", "status": "up"}, Listed("x")),
        ({"id": "x", "created": 1e300, "retires_at": "0001-01-01T00:00:00+23:59", "aliases": "y"}, Listed("x")),
        ({"id": "x", "lifecycle": "a\nb", "status": {"value": "y" * 41}}, Listed("x")),
    ],
)
def test_an_entry_says_what_its_provider_knows(entry: dict[str, Any], model: Listed) -> None:
    assert listed(entry) == Listing((model,), whole=True)


@pytest.mark.parametrize(
    "entry", [7, None, {}, {"id": 7}, {"id": ""}, {"id": "a\nb"}, {"id": "a\ud800"}, {"id": "x" * (LONGEST + 1)}]
)
def test_an_entry_that_cannot_be_read_makes_a_list_a_part(entry: Any) -> None:
    assert listed(entry, {"id": "x" * LONGEST}) == Listing((Listed("x" * LONGEST),), whole=False)


def test_a_first_page_is_a_part() -> None:
    assert listed({"id": "x"}, has_more=True).whole is False
    assert listed({"id": "x"}, has_more=False).whole is True


def test_of_a_long_list_the_first_models_are_taken() -> None:
    entries = [{"id": f"model-{i}"} for i in range(MOST + 1)]
    assert listed(*entries[:MOST]).whole is True
    assert listed(*entries) == Listing(tuple(Listed(entry["id"]) for entry in entries[:MOST]), whole=False)


def test_a_model_listed_twice_is_one() -> None:
    assert listed({"id": "x"}, {"id": "x", "lifecycle": "deprecated"}).models == (Listed("x", "deprecated"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": {"id": "x"}}',
        b'{"data": [{"id": "x"}',
        b'{"data": "\xff"}',
        b'{"data": [' + b"9" * 10_000 + b"]}",
        b"[" * 200_000,
        b'{"data":' + b"[" * 200_000,
    ],
)
def test_anything_else_is_no_list(body: bytes) -> None:
    assert listing(body) is None
