"""What travels in a message: a request that was checked, and headers."""

import json
import time
from collections.abc import Mapping
from typing import Any

from config.settings import Settings
from worker.errors import InvalidRequest, UnknownChain
from worker.request import CompletionRequest, parse
from worker.result import VERSION

HEADER = "fallback"
HIDDEN = "(hidden)"


def checked(settings: Settings, payload: Any, chain: Any) -> CompletionRequest:
    """Returns the request, fit for the chain.

    Raises:
        UnknownChain: there is no such chain.
        InvalidRequest: naming each field and the reason.
    """
    if not isinstance(chain, str) or chain not in settings.chains:
        raise UnknownChain(f"chain: no chain {chain!r}; there are {', '.join(settings.chains)}")
    providers = [settings.providers[name] for name in settings.chains[chain].providers]
    return parse(payload, {tier for provider in providers for tier in provider.models})


def wire(settings: Settings, request: CompletionRequest) -> dict[str, Any]:
    """Returns the request as JSON values, small enough to be queued.

    Raises:
        InvalidRequest: naming its size and the bound.
    """
    values = request.wire()
    size, most = len(json.dumps(values)), settings.results.max_request_bytes
    if size > most:
        raise InvalidRequest(f"request: {size:,} bytes as JSON; at most {most:,} (results.max_request_bytes)")
    return values


def stamp(timeout: float) -> dict[str, Any]:
    """Returns the headers of a message that a producer queues now, to be answered in `timeout` seconds."""
    now = time.time()
    return {"version": VERSION, "queued_at": now, "deadline_at": now + timeout}


def carried(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns our part of a message's headers; empty for a producer that knows only our task's name."""
    found = (headers or {}).get(HEADER)
    return dict(found) if isinstance(found, Mapping) else {}
