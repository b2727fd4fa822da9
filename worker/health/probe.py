"""Sends one probe, which costs nothing: is the provider there, does it accept the key, which models does it list?"""

import time
from dataclasses import dataclass

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.providers import credentials
from worker.providers.dialects import DIALECTS
from worker.providers.errors import from_probe
from worker.providers.headers import headers
from worker.providers.http.client import send
from worker.providers.http.time_limits import Limits
from worker.providers.model_list import MOST_BYTES, Listing, listing

WITHIN = 5.0
"""Seconds that one probe may take, all requests together."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a probe. It shows nothing about capacity or credit.

    Attributes:
        reachable: it answered, and not with a 5xx.
        authenticated: it accepted the key, or needs none.
        latency_ms: the time to the status of the first response.
        error: one line, None without an error.
        failed: how it failed, None if it did not, or needed no key that it was refused.
        models: the provider's list, None if it has none that can be read, which is no error.
    """

    reachable: bool
    authenticated: bool
    latency_ms: float
    error: str | None
    models: Listing | None = None
    failed: AttemptFailed | None = None


def probe(provider: Provider) -> Probe:
    """Probes one provider; returns within 5 seconds."""
    dialect, started = DIALECTS[provider.dialect], time.monotonic()
    path, until = provider.probe_path or dialect.probe(provider), started + WITHIN
    used = credentials.in_use(provider)
    try:
        status, latency_ms, body = _get(provider, path, until)
        if status in credentials.REFUSALS and credentials.have_changed(provider, used):
            status, latency_ms, body = _get(provider, path, until)
    except AttemptFailed as failed:
        reason = f"no answer within {WITHIN:g} s" if failed.reason == "deadline" else failed.reason
        error = f"{reason}: {failed.detail}" if failed.detail else reason
        return Probe(False, False, _ms_since(started), error, failed=failed)
    reachable, accepted = status < 500, 200 <= status < 300
    if accepted and path != dialect.models:
        status, body = _list(provider, dialect.models, until) or (status, b"")
        accepted = status not in (401, 403)  # a health path can be open although the others need a key
    keyless = provider.api_key is None and reachable and status not in (401, 403)
    if accepted:
        return Probe(reachable, True, latency_ms, None, listing(body))
    refusal = None if keyless else from_probe(status, body, provider)
    return Probe(reachable, keyless, latency_ms, f"status {status}", failed=refusal)


def _list(provider: Provider, path: str, until: float) -> tuple[int, bytes] | None:
    try:
        status, _, body = _get(provider, path, until)
    except AttemptFailed:
        return None
    return status, body if 200 <= status < 300 else b""


def _get(provider: Provider, path: str, until: float) -> tuple[int, float, bytes]:
    started = time.monotonic()
    with send(
        "GET", provider.base_url + path, headers(provider), None, Limits(provider, provider.model("default"), until)
    ) as response:
        return response.status, _ms_since(started), response.head(MOST_BYTES)


def _ms_since(started: float) -> float:
    return round(1000 * (time.monotonic() - started), 1)
