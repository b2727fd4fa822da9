"""Asks one provider for what costs nothing: is it there, and is the key good."""

import time
from dataclasses import dataclass

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.http import send
from worker.limits import Limits
from worker.providers.dialects import DIALECTS

WITHIN = 5.0
"""Seconds that one probe may take in all."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe found; it says nothing about capacity or credit.

    `reachable`: it answered, and not with a 5xx. `authenticated`: it accepted the key, or there is none to accept.
    `error` is one line, None where all is well.
    """

    reachable: bool
    authenticated: bool
    latency_ms: float
    error: str | None


def probe(provider: Provider) -> Probe:
    """Returns how one provider is, within 5 seconds."""
    dialect, started = DIALECTS[provider.dialect], time.monotonic()
    try:
        url, headers = provider.base_url + dialect.probe(provider), dialect.headers(provider)
        with send("GET", url, headers, None, Limits(provider, started + WITHIN)) as response:
            status = response.status
            response.head(65_536)
    except AttemptFailed as failed:
        reason = f"no answer within {WITHIN:g} s" if failed.reason == "deadline" else failed.reason
        return Probe(False, False, _ms_since(started), f"{reason}: {failed.detail}" if failed.detail else reason)
    reachable, accepted = status < 500, 200 <= status < 300
    keyless = provider.api_key is None and reachable and status not in (401, 403)
    return Probe(reachable, accepted or keyless, _ms_since(started), None if accepted else f"status {status}")


def _ms_since(started: float) -> float:
    return round(1000 * (time.monotonic() - started), 1)
