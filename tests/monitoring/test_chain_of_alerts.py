"""The whole way of an alert: a fleet, a real Prometheus, a real Alertmanager, and who is told, with the cure."""

import json
import queue
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tasks.local import celery_nodes
from tasks.local.fleet import Fleet
from tasks.local.llmock import LLMock
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers
from tests.end_to_end.command_line import run
from tests.end_to_end.conftest import QUICK
from tests.end_to_end.local_cluster import LocalSetup, started_setup
from tests.end_to_end.vendors import QUESTION, fail
from tests.monitoring import prometheus
from tests.monitoring.stack import FOLDER, alerts, tool
from tests.waiting import wait_until
from worker.admission.breaker import snapshot

SETTINGS = {
    "FALLBACK_BREAKER__COOLDOWN_PERIOD": "600",
    "FALLBACK_CHAINS__ALONE__PROVIDERS": '["claude"]',
}
ALERTS = {"FallbackBreakerOpen": "team", "FallbackChainDown": "page"}
"""Of an open breaker, by the receiver that gets each."""

DOCS = "http://127.0.0.1:8000"
WITHIN = 20.0

pytestmark = pytest.mark.tools


class Receiver(ThreadingHTTPServer):
    """Takes notifications as Alertmanager's webhook sends them; each has its receiver's name."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: queue.Queue[dict[str, Any]] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/alerts"

    def alerts(self, status: str) -> dict[str, dict[str, Any]]:
        """Waits for the alerts in a state and returns each by its name, with its receiver."""
        found: dict[str, dict[str, Any]] = {}
        while found.keys() < ALERTS.keys():
            told = self.taken.get(timeout=WITHIN)
            new = {each["labels"]["alertname"]: each | {"receiver": told["receiver"]} for each in told["alerts"]}
            found |= {name: each for name, each in new.items() if name in ALERTS and each["status"] == status}
        return found


class _Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.taken.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is written to standard error."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        yield server
        server.shutdown()


def start_alertmanager(fleet: Fleet, folder: Path, url: str) -> int:
    """Starts an Alertmanager with a copy of the file: its example of a webhook under both receivers, without delay."""
    text = (FOLDER / "alertmanager.yml").read_text("utf-8")
    [example] = re.findall(r"^    # webhook_configs:\n(?:    #   .*\n)+", text, re.MULTILINE)
    webhook = example.replace("    # ", "    ").replace("http://127.0.0.1:8080/alerts", url)
    assert url in webhook
    text = text.replace(example, webhook).replace("  - name: page\n", f"  - name: page\n{webhook}")
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
    (folder / "alertmanager.yml").write_text(text, "utf-8")
    port = free_port()
    command = [tool("prometheus-alertmanager", "prometheus-alertmanager")]
    command += [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alerts'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    fleet.start("alertmanager", command, ready=http_answers(port, "/-/ready"))
    return port


@pytest.fixture
def setup(
    tmp_path: Path, clean_environment: dict[str, str], llmock: LLMock, receiver: Receiver
) -> Iterator[LocalSetup]:
    """A fleet with Flower, Prometheus and Alertmanager, which tells the receiver."""
    program, flower_port = tool("prometheus", "prometheus"), free_port()
    tool("prometheus-alertmanager", "prometheus-alertmanager")
    environment = {**QUICK, **llmock.environment, "LLAMA_CPP_BASE_URL": llmock.url, **SETTINGS}
    with Fleet(tmp_path / "run", clean_environment) as fleet, started_setup(fleet, "watched", environment) as setup:
        celery_nodes.start_flower(fleet, flower_port, environment=setup.environment)
        alertmanager = start_alertmanager(fleet, tmp_path, receiver.url)
        seen = prometheus.start(fleet, program, tmp_path, flower_port, alertmanager)
        wait_until(lambda: seen.has("fallback_redis_up == 1"))
        yield setup


def test_an_open_breaker_is_told_with_its_cure_and_its_link_and_so_is_its_end(
    tmp_path: Path, setup: LocalSetup, llmock: LLMock, receiver: Receiver
) -> None:
    fail(llmock, "claude", 500)
    for _ in range(2):
        assert setup.complete(QUESTION).get(timeout=30)["fallback"]["provider"] != "claude"
    assert snapshot(setup.store, ["claude"])[0].state == "open"
    fired = receiver.alerts("firing")
    for name, receiver_name in ALERTS.items():
        told, rule = fired[name]["annotations"], alerts()[name]
        assert fired[name]["receiver"] == receiver_name
        assert told["cure"] == rule["annotations"]["cure"]
        assert told["runbook_url"] == rule["annotations"]["runbook_url"].replace("{{ $externalLabels.docs }}", DOCS)
    assert fired["FallbackBreakerOpen"]["annotations"]["summary"].startswith("claude: the breaker has been open")
    assert fired["FallbackChainDown"]["annotations"]["summary"] == "Chain alone: no provider admits a completion"

    llmock.clear_script()
    ran = run(tmp_path, {**setup.fleet.environment, **setup.environment}, "breaker", "reset", "claude")
    assert ran.returncode == 0, ran.stderr
    assert receiver.alerts("resolved").keys() == ALERTS.keys()
