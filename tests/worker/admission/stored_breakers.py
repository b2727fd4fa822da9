"""What the server has of each breaker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from tests.worker.admission.clocked_breaker import BLANK

DAY = 86_400


@dataclass(frozen=True)
class Stored:
    """One breaker as it is stored; `lasting` is whether hash and ring are kept without an end."""

    fields: dict[str, Any]
    permits: dict[str, float]
    window: bytes
    lasting: bool


def stored(server: Redis, providers: Sequence[str]) -> dict[str, Stored]:
    """Returns the breakers that there are; the server's answers must be decoded as latin-1."""
    pipeline = server.pipeline(transaction=False)
    for key in (f"{{fallback}}:2:breaker:{name}" for name in providers):
        pipeline.hgetall(key).zrange(key + ":permits", 0, -1, withscores=True).get(key + ":window")
        pipeline.ttl(key).ttl(key + ":window")
    replies = pipeline.execute()
    each = zip(providers, *(replies[i::5] for i in range(5)), strict=True)
    return {name: _stored(*found) for name, *found in each if found[0]}


def _stored(fields: dict[str, str], permits: list[Any], window: str | None, ttl: int, window_ttl: int) -> Stored:
    assert window is None or (ttl == -1) == (window_ttl == -1)
    assert ttl == -1 or 0 < ttl <= DAY
    typed = {name: type(blank)(fields.get(name, blank)) for name, blank in BLANK.items()}
    assert set(fields) <= set(typed)
    return Stored(typed, dict(permits), (window or "").encode("latin-1"), ttl == -1)
