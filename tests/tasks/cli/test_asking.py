"""What `fallback check` says of a provider, by the class of its answer."""

import pytest

from tasks.cli.support.asking import answer
from tests.worker.providers.asking import provider
from worker.errors import AttemptFailed
from worker.health.probe import Probe


def status(code: int, *codes: str, detail: str = "") -> AttemptFailed:
    return AttemptFailed("status", detail, status=code, codes=codes)


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (status(401, "invalid_api_key", detail="Wrong."), "refuses the key: 401 invalid_api_key: Wrong."),
        (status(403), "refuses the probe: 403"),
        (status(429, "insufficient_quota"), "quota spent: 429 insufficient_quota"),
        (status(402), "quota spent: 402"),
        (status(429, "rate_limit_exceeded"), "rate limited: 429 rate_limit_exceeded"),
        (status(529), "reachable, overloaded: 529"),
        (status(503, detail="Loading model"), "reachable, overloaded: 503 Loading model"),
        (status(404), "refuses the probe: 404"),
        (AttemptFailed("connection", "Connection refused"), "not reachable: connection: Connection refused"),
        (AttemptFailed("connect_timeout"), "not reachable: connect_timeout"),
        (AttemptFailed("deadline"), "connected, no answer: no answer within 5 s"),
    ],
)
def test_the_class_of_an_answer_decides_what_is_said(failed: AttemptFailed, said: str) -> None:
    error = {"deadline": "no answer within 5 s"}.get(failed.reason) or ": ".join(filter(None, failed.args[::3]))
    found = answer(provider("openai", "http://x"), Probe(False, False, 3.0, error, failed=failed))
    assert (found.status, found.is_usable) == (said, False)


def test_a_provider_that_answers_is_usable() -> None:
    found = answer(provider("openai", "http://x"), Probe(True, True, 3.2, None))
    assert (found.status, found.is_usable) == ("answers in 3 ms", True)
