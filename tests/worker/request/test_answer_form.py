"""Whether the form of an answer is checked, and what cannot be."""

from typing import Any

import pytest

from tests.worker.providers.request_cases import ASSISTANT, HELLO
from tests.worker.schema.hostile import HOSTILE, Hostile
from worker.errors import InvalidRequest
from worker.request import parse

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def form(schema: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, **fields}}


FORMS: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, False),
    "text": ({"response_format": {"type": "text"}}, False),
    "a schema": ({"response_format": form(SCHEMA)}, False),
    "a strict schema": ({"response_format": form(SCHEMA, strict=True)}, True),
    "a schema that is not strict": ({"response_format": form(SCHEMA, strict=False)}, False),
    "a schema, asked for": ({"response_format": form(SCHEMA), "check_schema": True}, True),
    "a strict schema, not asked for": ({"response_format": form(SCHEMA, strict=True), "check_schema": False}, False),
    "an object": ({"response_format": {"type": "json_object"}}, True),
    "an object, not asked for": ({"response_format": {"type": "json_object"}, "check_schema": False}, False),
    "an answer that was begun": (
        {"messages": [HELLO, ASSISTANT], "response_format": form(SCHEMA, strict=True)},
        False,
    ),
}


@pytest.mark.parametrize(("fields", "expected"), FORMS.values(), ids=FORMS)
def test_what_is_checked(fields: dict[str, Any], expected: bool) -> None:
    assert parse({"messages": [HELLO], **fields}, ("default",)).checks_answer is expected


@pytest.mark.parametrize("response_format", [None, {"type": "text"}])
def test_nothing_can_be_checked_without_a_form(response_format: dict[str, Any] | None) -> None:
    with pytest.raises(InvalidRequest, match=r"^check_schema: needs a response_format of json_schema or json_object$"):
        parse({"messages": [HELLO], "response_format": response_format, "check_schema": True}, ("default",))


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_is_refused_with_its_path(hostile: Hostile) -> None:
    schema, path, reason = hostile
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": [HELLO], "response_format": form(schema, strict=True)}, ("default",))
    at = ".".join(filter(None, ["response_format.json_schema.schema", path]))
    assert str(refused.value) == f"{at}: {reason}; check_schema = false leaves it unchecked"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_that_is_not_checked_is_the_vendors_affair(hostile: Hostile) -> None:
    parse({"messages": [HELLO], "response_format": form(hostile[0])}, ("default",))
    unchecked = {"response_format": form(hostile[0], strict=True), "check_schema": False}
    parse({"messages": [HELLO], **unchecked}, ("default",))
