"""A store that writes alerts, and senders in this process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from config.alerts import Receiver
from tests.worker.admission.clocked_breaker import CHAIN, provider
from tests.worker.alerts.receiving import SECRET
from worker.alerts.sender import Sender
from worker.diagnosis.problems import Problem
from worker.store.scripts import lua
from worker.store.store import Store

PROVIDERS = {name: provider(name) for name in CHAIN}


def receiver(url: str, **fields: Any) -> Receiver:
    given: dict[str, Any] = {
        "url_env": "OPS_URL",
        "url": SecretStr(url),
        "secret_env": "S",
        "secret": SecretStr(SECRET),
    }
    return Receiver(**given | fields)


def store_with(url: str, *, most: int = 10_000, **receivers: Receiver) -> Store:
    """Returns a store whose stream of alerts keeps `most`."""

    def part(name: str) -> str:
        return lua(name).replace("MOST_ALERTS = 10000", f"MOST_ALERTS = {most}")

    return Store(url, "fallback", PROVIDERS, alerts=receivers, part=part)


@contextmanager
def sending(
    store: Store, name: str, to: Receiver, look: Callable[[], Sequence[Problem]] = lambda: ()
) -> Iterator[Sender]:
    """Runs a sender in a thread until the block ends."""
    sender, ended = Sender(store, "fallback", name, to, look), threading.Event()
    thread = threading.Thread(target=sender.run, args=(ended,))
    thread.start()
    try:
        yield sender
    finally:
        ended.set()
        thread.join(30)
