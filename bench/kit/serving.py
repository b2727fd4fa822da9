"""The upstreams, each a process of its own."""

import json
import sys
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any, Self

from bench.kit.mortal import Manner, State
from bench.kit.upstream import Pace
from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.readiness import http_answers


@dataclass(frozen=True)
class Upstream:
    """A running upstream; `url` is its address without a path."""

    url: str

    @classmethod
    def start(cls, fleet: Fleet, name: str = "upstream") -> Self:
        """Starts it; it ends with the fleet.

        Raises:
            FleetError: it did not come up.
        """
        return cls(_start(fleet, name, "bench.kit.upstream"))

    def pace(self, pace: Pace) -> None:
        """Sets how it answers from now on."""
        _put(f"{self.url}/pace", asdict(pace))


@dataclass(frozen=True)
class Mortal:
    """A running provider that fails on command; `url` is its address without a path."""

    url: str

    @classmethod
    def start(cls, fleet: Fleet, name: str) -> Self:
        """Starts it; it ends with the fleet.

        Raises:
            FleetError: it did not come up.
        """
        return cls(_start(fleet, name, "bench.kit.mortal"))

    def turn(self, manner: Manner) -> State:
        """Sets how calls fare from now on, and returns how it stood at that moment."""
        return State(**json.loads(_put(f"{self.url}/manner", asdict(manner))))

    def state(self) -> State:
        """Returns how it stands."""
        with urllib.request.urlopen(f"{self.url}/state") as response:
            return State(**json.load(response))


def _start(fleet: Fleet, name: str, module: str) -> str:
    port = free_port()
    command = [sys.executable, "-m", module, "--port", str(port)]
    fleet.start(name, command, ready=http_answers(port, "/v1/models"), cwd=ROOT)
    return f"http://127.0.0.1:{port}"


def _put(url: str, values: dict[str, Any]) -> bytes:
    request = urllib.request.Request(url, json.dumps(values).encode(), method="PUT")
    with urllib.request.urlopen(request) as response:
        return bytes(response.read())
