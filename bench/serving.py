"""The upstream as a process of its own."""

import json
import sys
import urllib.request
from dataclasses import asdict, dataclass
from typing import Self

from bench.upstream import Pace
from tasks.fleet.celery_nodes import ROOT
from tasks.fleet.fleet import Fleet
from tasks.fleet.ports import free_port
from tasks.fleet.readiness import http_answers


@dataclass(frozen=True)
class Upstream:
    """A running upstream; `url` is its address without a path."""

    url: str

    @classmethod
    def start(cls, fleet: Fleet) -> Self:
        """Starts it; it ends with the fleet.

        Raises:
            FleetError: it did not come up.
        """
        port = free_port()
        command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
        fleet.start("upstream", command, ready=http_answers(port, "/v1/models"), cwd=ROOT)
        return cls(f"http://127.0.0.1:{port}")

    def pace(self, pace: Pace) -> None:
        """Sets how it answers from now on."""
        body = json.dumps(asdict(pace)).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/pace", body, method="PUT")).close()
