"""What clients send, as recording.py wrote it down: each body is taken, and each dialect makes a valid one of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.providers import Dialect
from tests.worker.providers.asking import body as made
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults
from worker.providers.dialects import DIALECTS
from worker.request import parse
from worker.request.model_names import ModelNames

NAMES = ModelNames(("default", "fast"), {"gpt-4o": "default", "gpt-4o-mini": "fast"})
RECORDED = [json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent / "requests").glob("*.json"))]
BODIES = {
    f"{each['package']} {each['version']}, {number}": body
    for each in RECORDED
    for number, body in enumerate(each["bodies"])
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_a_client_sends_is_taken(body: dict[str, Any]) -> None:
    assert parse(body, NAMES).model == NAMES.models[body["model"]]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_reaches_a_vendor_is_what_its_own_types_allow(dialect: Dialect, body: dict[str, Any]) -> None:
    asked = parse(body, NAMES)
    if missing := asked.needs - DIALECTS[dialect].takes:
        assert missing == {"json"}  # chains skip Anthropic
        return
    sent = made(dialect, asked)
    assert [*faults(dialect, sent), *broken(dialect, sent)] == []
