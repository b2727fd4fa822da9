"""What people are shown of a breaker: by the command line and the pages."""

from config.providers import DISABLED
from worker.admission.breaker import Snapshot


def breaker_state(now: Snapshot, missing: str | None) -> tuple[str, float]:
    """Returns what a breaker does with calls, and until when (an epoch in seconds); 0 without an end.

    `missing` is why no worker can ask the provider, None if one can. It is shown of one that was never asked.
    """
    if missing == DISABLED or (missing and not now.generation):
        return missing, 0.0
    if now.override:
        return f"forced {now.override}", now.override_until
    if now.auth_locked:
        return "auth-locked", 0.0
    if now.limited_until > max(now.now, now.open_until):
        return "rate limited", now.limited_until
    if now.state == "closed" and now.deprioritised_until > now.now:
        return "deprioritised", now.deprioritised_until
    return now.state, now.open_until if now.state == "open" else 0.0
