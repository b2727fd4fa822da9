"""What reaches OpenAI is what its published specification allows, in the eyes of Prism, a validating server."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tasks.local.fleet import Fleet
from tests.wild import published
from tests.wild.recorded import BODIES, NAMES
from tests.worker.providers import asking
from tests.worker.providers.request_cases import HELLO
from tests.worker.providers.test_vendor_requests import REQUESTS
from worker.request import parse

pytestmark = pytest.mark.tools

Violations = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def violations(session_fleet: Fleet) -> Iterator[Violations]:
    """What the specification says against a request."""
    if not published.PRISM.exists():
        pytest.skip("no Prism: `make tools` installs it where there is npm")
    url = published.serve(session_fleet)
    with httpx.Client() as client:
        yield lambda body: published.violations(client, url, body)


def test_every_request_is_one_that_the_specification_allows(
    violations: Violations, record_property: Callable[[str, object], None]
) -> None:
    asked = [*(parse(body, NAMES) for body in BODIES.values()), *(parse(each, ("default",)) for each in REQUESTS)]
    made = (asking.body("openai", each, stream=stream) for each in asked for stream in (True, False))
    bodies = {json.dumps(body): body for body in made}
    found = Counter(violation for body in bodies.values() for violation in violations(body))
    record_property("counted", f"{len(bodies)} different requests of {len(asked)}, streamed and plain")
    assert not found


FINE: dict[str, Any] = {"model": "m", "messages": [HELLO], "stream": False}
WRONG: dict[str, dict[str, Any]] = {
    "no messages": {"messages": []},
    "an unknown role": {"messages": [{"role": "human", "content": "Hello"}]},
    "an unknown part": {"messages": [{"role": "user", "content": [{"type": "words", "text": "Hello"}]}]},
    "a call without its id": {"messages": [{"role": "assistant", "tool_calls": [{"type": "function"}]}]},
    "a tool without a function": {"tools": [{"type": "function"}]},
    "a schema without a name": {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
    "too hot": {"temperature": 3},
    "a number as text": {"seed": "one"},
    "an unknown effort": {"reasoning_effort": "some"},
    "a long identifier": {"safety_identifier": "s" * 65},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
def test_the_check_sees_what_the_specification_forbids(violations: Violations, fields: dict[str, Any]) -> None:
    assert violations(FINE) == []
    assert violations(FINE | fields) != []
