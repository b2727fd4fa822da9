"""A worker of 100 slots between vendors, one of which can fall silent."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from celery import Celery

from bench.kit.environment import inherited
from bench.kit.serving import Upstream
from bench.kit.upstream import Pace
from config.settings import load
from tasks.local import valkey
from tasks.local.celery_nodes import start_worker
from tasks.local.fleet import Fleet
from tasks.local.valkey import Valkey
from worker.store.store import Store

SLOTS = 100
PACE = Pace(delay=0.4, coding="tokens", interval=0.1, tokens=16)
"""A first token after 0.4 s, the last 1.6 s later: a call of 2 s."""

SILENT = replace(PACE, delay=3600.0)
VENDORS = ("first", "second", "third")

OFF = {
    "FALLBACK_BULKHEADS__PROVIDER_SHARE": "1",
    "FALLBACK_BULKHEADS__URGENT_SHARE": "0",
    "FALLBACK_BREAKER__ADAPTIVE": '{"first_tokens": "off", "stalls": "off"}',
}
"""Settings of a worker without all that keeps a vendor's silence from others."""

_PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "{url}/v1"
api_key_env = ""
models.default = {{ name = "bare" }}
"""
_CHAINS = """
[chains.both]
providers = ["first", "second"]
[chains.other]
providers = ["second"]
[chains.patient]
providers = ["first", "second"]
priority = 9
[chains.urgent]
providers = ["third"]
priority = 3
"""


@dataclass
class Bench:
    """What runs; the producer knows the task by its name alone."""

    server: Valkey
    store: Store
    app: Celery
    vendors: dict[str, Upstream]

    @classmethod
    def start(cls, folder: Path, stack: ExitStack, settings: Mapping[str, str]) -> Self:
        """Starts a server, the vendors and one worker; all end with the stack.

        Raises:
            FleetError: something did not come up.
        """
        folder.mkdir()
        fleet = stack.enter_context(Fleet(folder, inherited()))
        server, vendors = valkey.start(fleet), {name: Upstream.start(fleet, name) for name in VENDORS}
        for vendor in vendors.values():
            vendor.pace(PACE)
        file = folder / "fallback.toml"
        tables = [_PROVIDER.format(name=name, url=vendor.url) for name, vendor in vendors.items()]
        file.write_text("".join([*tables, _CHAINS]), encoding="utf-8")
        fleet.environment |= {"FALLBACK_CONFIG": str(file), **server.environment, **settings}
        read = load(fleet.environment)
        store = Store(server.url, read.namespace, read.providers)
        stack.callback(store.close)
        app = Celery("elsewhere", broker=server.url, backend=server.url)
        stack.callback(app.close)
        start_worker(fleet, "worker", queues=["completions"], concurrency=SLOTS)
        return cls(server, store, app, vendors)
