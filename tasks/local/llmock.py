"""LLMock on this machine: simulated vendors with scripted faults, a journal, and a verdict on the client."""

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

import httpx

from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import http_answers

KEY = "simulated"


class LLMock:
    """A running server and its control API.

    A behaviour is a dict as in LLMock's documentation, for example
    `{"type": "fail", "status": 529, "times": 2, "match": {"provider": "anthropic", "path": "*/messages"}}`.
    Without a `path`, a fault also hits the probes' GET of the models.
    """

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(
            base_url=f"{self.url}/_llmock",
            trust_env=False,  # no proxy for this machine
            timeout=5.0,
            headers={"Connection": "close"},  # the server may be killed between two requests
        )

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variables that make workers use this server as their providers `claude` and `openai`."""
        return {
            "ANTHROPIC_BASE_URL": f"{self.url}/anthropic",
            "ANTHROPIC_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": KEY,
        }

    def script(self, *behaviors: Mapping[str, Any]) -> None:
        """Queues behaviours for the requests to come; a request takes the first that matches it."""
        self._ask("POST", "/scenario", {"behaviors": list(behaviors)})

    def clear_script(self) -> None:
        """Drops the behaviours that no request has taken yet; keeps the journal."""
        self._ask("DELETE", "/scenario")

    def pending(self) -> list[dict[str, Any]]:
        """Returns the behaviours that no request has taken yet."""
        return list(self._ask("GET", "/scenario")["pending"])

    def requests(self) -> list[dict[str, Any]]:
        """Returns every request served since the last reset, the oldest first."""
        return list(self._ask("GET", "/requests")["requests"])

    def verdict(self) -> dict[str, Any]:
        """Returns LLMock's verdict on the clients, with its findings."""
        return self._ask("GET", "/verdict")

    def reset(self) -> None:
        """Drops requests and behaviours."""
        self._ask("POST", "/reset")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.request(method, path, json=body).raise_for_status().json()
        return answer


def start(fleet: Fleet, *options: str, name: str = "llmock") -> LLMock:
    """Starts a server; `options` are those of `llmock serve`, such as `--rpm 60`.

    Raises:
        FleetError: the package llmock is not installed, or the server did not start.
    """
    if importlib.util.find_spec("llmock") is None:
        raise FleetError("the package llmock is missing: pip install -e '.[local]'")
    port = free_port()
    command = [sys.executable, "-P", "-c", "from llmock.cli import app; app()"]
    command += ["serve", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", *options]
    return LLMock(fleet.start(name, command, ready=http_answers(port, "/health")), port)
