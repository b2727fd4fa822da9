"""What clients send, as recording.py wrote it down: each body is taken, and each dialect makes a valid one of it."""

from typing import Any

import pytest

from config.providers import Dialect
from tests.wild.recorded import BODIES, NAMES, STREAMED
from tests.worker.providers.asking import body as made
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults
from worker.errors import InvalidRequest
from worker.providers.dialects import DIALECTS
from worker.request import parse


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_a_client_sends_is_taken(body: dict[str, Any]) -> None:
    assert parse(body, NAMES).model == NAMES.models[body["model"]]


@pytest.mark.parametrize("body", STREAMED.values(), ids=STREAMED)
def test_what_asks_for_a_stream_is_refused_for_that_alone(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"\Astream: must be false[^;]*\Z"):
        parse(body, NAMES)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_reaches_a_vendor_is_what_its_own_types_allow(dialect: Dialect, body: dict[str, Any]) -> None:
    asked = parse(body, NAMES)
    if missing := asked.needs - DIALECTS[dialect].takes:
        assert missing == {"files"}  # chains skip the provider
        return
    sent = made(dialect, asked)
    assert [*faults(dialect, sent), *broken(dialect, sent)] == []
