"""A process that completes requests along `alpha` and `beta`, one after the other, as a worker does; see
child_process.py.
"""

import time
from uuid import uuid4

from config.chains import Chain
from config.providers import Provider
from tests.worker.admission.child_process import obey, stopped
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import KEY, request
from worker.chain.delivery import Completion, Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.store.store import Store

CHAIN = Chain(name="chain", providers=("alpha", "beta"), failover="at-once")

Made = tuple[float, float, list[tuple[str, str, str | None]]]
"""One completion: when it began and ended on the machine's monotonic clock, and provider, outcome, reason in turn."""


def providers(vendors: str) -> dict[str, Provider]:
    """Returns the chain's providers; their models are `alpha-1` and `beta-1` of the vendors at this URL."""
    return {name: provider(name, base_url=f"{vendors}/v1", api_key=KEY) for name in CHAIN.providers}


class _Commands:
    store: Store
    route: Route

    def use(self, url: str, vendors: str) -> str:
        self.route = Route(CHAIN, providers(vendors))
        self.store = Store(url, "fallback", self.route.providers)
        return "ready"

    def complete(self) -> Made:
        """Completes one request, which must be answered."""
        began = time.monotonic()
        done = complete(self.store, Delivery(uuid4().hex, request(), self.route, lambda: None))
        assert isinstance(done, Completion)
        attempts = [(a["provider"], a["outcome"], a["reason"]) for a in done.result["fallback"]["attempts"]]
        return began, time.monotonic(), attempts

    def complete_on(self) -> list[Made]:
        """Completes until it is stopped."""
        made = []
        while not stopped():
            made.append(self.complete())
        return made

    def stop(self) -> None:
        """Is the line that ends what goes on until the next one."""


if __name__ == "__main__":
    obey(_Commands())
