"""A real Prometheus with the files of examples/monitoring, that looks every second."""

import math
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers
from tests.monitoring.stack import FOLDER

_VARIABLES = {"$__rate_interval": "20s", "$__range": "2m", "$chain": ".+", "$provider": ".+"}
_SELECTOR = re.compile(r"\b((?:fallback_\w+|up)(?:\{[^}]*\})?)")


class Prometheus:
    """Asks a running Prometheus for all that it has seen since its start."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=10.0)
        self._since = time.time()

    def asked(self, expression: str) -> list[dict[str, Any]]:
        """Returns the series of an expression that ever had a value, as a dashboard of the whole run shows them."""
        span = {"start": self._since - 1, "end": time.time(), "step": "1s"}
        series = self._get("query_range", {"query": expression, **span})["result"]
        return [each for each in series if any(not math.isnan(float(value)) for _, value in each["values"])]

    def has(self, expression: str) -> bool:
        return bool(self.asked(expression))

    def labels(self, metric: str, label: str) -> list[str]:
        found: list[str] = self._get(f"label/{label}/values", {"match[]": metric})
        return found

    def _get(self, path: str, parameters: Mapping[str, Any]) -> Any:
        answer = self._client.get(f"/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def start(
    fleet: Fleet, program: str, folder: Path, flower_port: int, alertmanager_port: int | None = None
) -> Prometheus:
    """Starts a Prometheus with a copy of the files: with Flower's port, and to look every second.

    With an Alertmanager alerts go there, each after a second.
    """
    shutil.copytree(FOLDER / "rules", folder / "rules")
    (folder / "targets").mkdir()
    for name, at in (("fallback", flower_port), ("alertmanager", alertmanager_port)):
        if at:
            (folder / "targets" / f"{name}.yml").write_text(f'- targets: ["127.0.0.1:{at}"]\n', "utf-8")
    if alertmanager_port:
        for rules in (folder / "rules").glob("*.yml"):
            rules.write_text(re.sub(r"for: \d+\w", "for: 1s", rules.read_text("utf-8")), "utf-8")
    text = (FOLDER / "prometheus.yml").read_text("utf-8").replace("15s", "1s")
    (folder / "prometheus.yml").write_text(text, "utf-8")
    port = free_port()
    command = [program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    fleet.start("prometheus", command, ready=http_answers(port, "/-/ready"))
    return Prometheus(port)


def filled(expression: str) -> str:
    """Returns a dashboard's expression with its variables, and without the 0 that it shows in the place of nothing."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return expression.removesuffix(" or vector(0)")


def selectors(expression: str) -> list[str]:
    """Returns what an alert looks at: its series, whatever their values."""
    return sorted(set(_SELECTOR.findall(expression)))
