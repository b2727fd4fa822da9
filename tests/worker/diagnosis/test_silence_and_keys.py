"""A provider that is silent before anything fails, and whose key it is that a vendor refuses."""

from typing import Any

import pytest

from tests.worker.diagnosis.fleet_facts import KEYS, NOW, SINCE, facts, worker
from tests.worker.diagnosis.test_problems import RESET, is_open, of
from worker.admission.stalls import Silence
from worker.diagnosis.problems import diagnose

CASES: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "stalled": (
        is_open("timeout stalled"),
        "provider-silent",
        "critical",
        ["silent (no first token for far longer than usual): breaker open", RESET],
    ),
    "silent calls": (
        {"silent": {"openai": Silence(3, SINCE)}},
        "provider-silent",
        "warning",
        [
            "silent: 3 calls wait for far longer than usual, and nobody has had a token since 12:06 UTC; ",
            "at 5 of them",
        ],
    ),
    "key of nobody": (
        of(auth_locked=True, error="authentication 401", unhealthy=SINCE, refused="eeeeee"),
        "key-refused",
        "critical",
        [
            "(401): one that no worker has any more (eeeeee); they have bbbbbb on one@host since",
            "nothing if theirs is good",
        ],
    ),
}


@pytest.mark.parametrize(("changes", "kind", "severity", "words"), CASES.values(), ids=CASES)
def test_it_is_one_line_with_its_cure(changes: dict[str, Any], kind: str, severity: str, words: list[str]) -> None:
    [found] = diagnose(facts(**changes))
    assert [word for word in words if word not in found.line(NOW)] == []
    assert (found.kind, found.severity) == (kind, severity)


TWO = (worker(), worker("two@host", keys=KEYS | {"openai": "cccccc"}))


def test_of_different_keys_the_worker_is_named_whose_key_was_refused() -> None:
    refused, differ = diagnose(
        facts(**of(auth_locked=True, error="authentication 401", unhealthy=SINCE, refused="cccccc"), workers=TWO)
    )
    assert (refused.kind, refused.severity, differ.kind) == ("key-refused", "critical", "key-differs")
    told = (
        "openai: key refused (401): that of cccccc on two@host; nobody asks it, nor do those with another key: "
        "bbbbbb on one@host since 12:06 UTC; take it out of service: fallback drain two@host; "
        "give two@host the key of the others (OPENAI_API_KEY), "
    )
    assert refused.line(NOW).startswith(told)
    assert differ.what.endswith("two@host); the vendor refused cccccc")


def test_while_a_probe_has_cleared_the_lock_the_refused_key_is_still_told() -> None:
    [differ] = diagnose(facts(**of(refused="cccccc"), workers=TWO))
    told = "the vendor refused cccccc; give two@host the key of the others (OPENAI_API_KEY), see docs/"
    assert told in differ.line(NOW)
