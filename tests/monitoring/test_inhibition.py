"""A real Alertmanager: a cause silences what follows from it, and nothing else."""

from collections.abc import Iterator

import httpx
import pytest

from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers
from tests.monitoring.stack import FOLDER, alerts, tool

SILENCED = {
    "Redis is down": (("FallbackRedisDown", {}), ("FallbackNoWorkers", {}), True),
    "Redis is full": (("FallbackRedisFull", {}), ("FallbackChainDown", {"chain": "default"}), True),
    "no workers": (("FallbackNoWorkers", {}), ("FallbackQueueOld", {"priority": "6"}), True),
    "a spent quota": (
        ("FallbackQuotaSpent", {"provider": "openai"}),
        ("FallbackBreakerOpen", {"provider": "openai"}),
        True,
    ),
    "another's spent quota": (
        ("FallbackQuotaSpent", {"provider": "openai"}),
        ("FallbackBreakerOpen", {"provider": "claude"}),
        False,
    ),
    "an open breaker": (
        ("FallbackBreakerOpen", {"provider": "claude"}),
        ("FallbackProviderUnhealthy", {"provider": "claude"}),
        True,
    ),
    "a worker's clock": (
        ("FallbackWorkerNotConsuming", {"worker": "a"}),
        ("FallbackWorkerClockSkewed", {"worker": "a"}),
        True,
    ),
    "a breaker is no cause of a chain": (
        ("FallbackBreakerOpen", {"provider": "claude"}),
        ("FallbackChainDown", {"chain": "default"}),
        False,
    ),
}

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[httpx.Client]:
    """The HTTP interface of an Alertmanager."""
    port, folder = free_port(), tmp_path_factory.mktemp("alertmanager")
    command = [tool("prometheus-alertmanager", "prometheus-alertmanager")]
    command += [f"--config.file={FOLDER / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with Fleet(folder / "run", clean_environment) as fleet:
        fleet.start("alertmanager", command, ready=http_answers(port, "/-/ready"))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v2", trust_env=False) as client:
            yield client


@pytest.mark.parametrize("case", SILENCED)
def test_a_cause_silences_what_follows_from_it_and_nothing_else(alertmanager: httpx.Client, case: str) -> None:
    cause, effect, silenced = SILENCED[case]
    sent = [labelled(name, {**labels, "case": case}) for name, labels in (cause, effect)]
    alertmanager.post("/alerts", json=[{"labels": each} for each in sent]).raise_for_status()
    try:
        found = alertmanager.get("/alerts", params={"filter": f'case="{case}"'}).raise_for_status().json()
        inhibited = {each["labels"]["alertname"]: bool(each["status"]["inhibitedBy"]) for each in found}
        assert inhibited == {cause[0]: False, effect[0]: silenced}
    finally:
        over = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-02T00:00:00Z"}
        alertmanager.post("/alerts", json=[{"labels": each, **over} for each in sent]).raise_for_status()


def labelled(name: str, labels: dict[str, str]) -> dict[str, str]:
    return {"alertname": name, "severity": alerts()[name]["labels"]["severity"], **labels}
