"""Probes that no longer run: told once it is no accident, with what to start."""

from typing import Any

import pytest

from config.settings import load
from tests.worker.diagnosis.fleet_facts import KEYS, NOW, facts, worker
from worker.diagnosis.problems import diagnose
from worker.health.probing import Probing

YOUNG = (worker(), worker("two@host", started_at=NOW - 60))


@pytest.mark.parametrize(
    ("probing", "line"),
    [
        (Probing(NOW - 120), "no provider was probed for 2m since 12:05 UTC; nobody queues them: celery -A tasks beat"),
        (Probing(), "no provider has been probed; nobody queues them: celery -A tasks beat"),
        (
            Probing(NOW - 120, queued=8),
            "no provider was probed for 2m since 12:05 UTC; "
            "they are queued and no worker takes them: celery -A tasks worker -Q probes",
        ),
    ],
)
def test_it_says_since_when_and_whether_beat_or_a_worker_is_missing(probing: Probing, line: str) -> None:
    [found] = diagnose(facts(probing=probing, workers=YOUNG))
    assert (found.kind, found.severity, found.line(NOW)) == ("probes-stopped", "warning", line)


@pytest.mark.parametrize(
    "changes",
    [
        {"probing": Probing(NOW - 80)},
        {"probing": Probing(), "workers": (worker(started_at=NOW - 60),)},
        {"probing": Probing(), "settings": load({}), "workers": (worker(missing=dict.fromkeys(KEYS, "none")),)},
        {"probing": Probing(), "workers": ()},
    ],
    ids=["a late one", "a fleet that starts", "nothing to probe", "no worker"],
)
def test_it_says_nothing_where_none_is_expected(changes: dict[str, Any]) -> None:
    assert "probes-stopped" not in [each.kind for each in diagnose(facts(**changes))]
