"""What no provider is asked: refused where it is queued, and by the same words where it was queued by name."""

import json

import pytest

from tasks.local.llmock import LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION
from worker.errors import InvalidRequest, TaskFailed, UnknownChain

MOST = 2_000
MARK = "zebra-in-the-prompt"
SYSTEM_ONLY = {"role": "system", "content": [{"type": "image"}]}
BAD = {
    "no messages": ({"messages": []}, "default"),
    "not a request": (MARK, "default"),
    "unknown field": ({**QUESTION, "colour": MARK}, "default"),
    "two answers": ({**QUESTION, "n": 2}, "default"),
    "streamed": ({**QUESTION, "stream": True}, "default"),
    "wrong type": ({"messages": [{"role": "user", "content": 7}]}, "default"),
    "several errors": ({"messages": [SYSTEM_ONLY], "temperature": 9, "timeout": -1}, "default"),
    "unknown tier": ({**QUESTION, "model": "gpt-4"}, "default"),
    "oversized": ({"messages": [{"role": "user", "content": MARK * MOST}]}, "default"),
    "unknown chain": (QUESTION, "nope"),
    "chain of a wrong type": (QUESTION, 5),
}
PRODUCE = """
import json
from tasks import complete
from worker.errors import TaskFailed
said = {}
for name, (request, chain) in %r.items():
    try:
        complete.delay(request, chain=chain)
    except TaskFailed as failed:
        said[name] = [type(failed).__name__, str(failed)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {"FALLBACK_RESULTS__MAX_REQUEST_BYTES": str(MOST)}


@pytest.fixture(scope="module")
def refused(module_setup: LocalSetup) -> dict[str, list[str]]:
    """What our producer says of each, and that nothing was queued."""
    said: dict[str, list[str]] = json.loads(module_setup.in_this_code_base(PRODUCE % BAD))
    # No worker ever saw one: Celery's workers write a line for each message.
    assert "received" not in module_setup.worker.logs()
    return said


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_with_the_same_words_at_the_producer_and_by_name(
    refused: dict[str, list[str]], shared_setup: LocalSetup, llmock: LLMock, name: str
) -> None:
    request, chain = BAD[name]
    with pytest.raises(TaskFailed) as failed:
        shared_setup.complete(request, chain).get(timeout=30)
    assert [type(failed.value).__name__, str(failed.value)] == refused[name]
    assert MARK not in str(failed.value)
    assert "\n" not in str(failed.value)
    assert llmock.requests() == []


def test_a_refusal_names_the_field_and_the_reason(refused: dict[str, list[str]]) -> None:
    assert refused["two answers"] == [
        InvalidRequest.__name__,
        "n: must be 1: a completion is one answer; queue one request for each",
    ]
    assert refused["streamed"][1].startswith("stream: must be false")
    assert refused["unknown chain"][0] == UnknownChain.__name__
    for field in ("messages.0.content", "temperature", "timeout"):
        assert field in refused["several errors"][1]
    assert "at most 2,000 (results.max_request_bytes)" in refused["oversized"][1]


def test_a_request_that_every_dialect_calls_invalid_fails_as_such(shared_setup: LocalSetup, llmock: LLMock) -> None:
    llmock.script({"type": "fail", "status": 400, "message": "no such tune", "times": None})
    with pytest.raises(InvalidRequest, match=r"refused as invalid by claude: invalid 400.*no such tune; llama_cpp"):
        shared_setup.complete(QUESTION).get(timeout=30)
    assert [request["model"] for request in llmock.requests()] == ["claude-sonnet-5-5", "default", "gpt-6.1-terra"]
    assert not [event for event in shared_setup.events() if event["type"].startswith("circuit")]
