"""Parses a provider's list of models.

All providers send `{"data": [{"id": ...}]}`, with these further fields:

| provider | fields |
|---|---|
| Anthropic | `lifecycle`, `retires_at` |
| OpenAI | `shutdown_date` |
| llama.cpp's router | `status`, `aliases` |

Nothing else is kept: the router's `status` includes command lines.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MOST_BYTES = 4_000_000
"""Bytes of one list: a gateway with hundreds of models and their descriptions sends about 1 MB."""

MOST = 2_000
"""The most models of one list."""

LONGEST = 200
"""The most characters of an id."""

_LONGEST_LIFECYCLE = 40
_MOST_ALIASES = 20
_YEAR_10000 = 253_402_300_800.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of a list.

    `lifecycle` is the provider's own value: `active` or `deprecated`; from llama.cpp's router `loaded`, `loading`,
    `unloaded`, `sleeping` or `failed`. Without one it is `deprecated` if the provider names an end, else `active`.
    `created` and `retires_at` are epochs in seconds.
    """

    id: str
    lifecycle: str = "active"
    created: float | None = None
    retires_at: float | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A list; `whole` is False if there are further pages, too many models, or unreadable entries."""

    models: tuple[Listed, ...]
    whole: bool


def listing(body: bytes) -> Listing | None:
    """Returns the models of a list, None if the body is no list."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    entries = found.get("data") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return None
    read = [_listed(entry) for entry in entries[:MOST]]
    models = {model.id: model for model in read if model}
    return Listing(tuple(models.values()), all(read) and len(entries) <= MOST and found.get("has_more") is not True)


def _listed(entry: Any) -> Listed | None:
    if not isinstance(entry, dict) or not _text(entry.get("id"), LONGEST):
        return None
    aliases = entry.get("aliases")
    ends = _epoch(entry.get("retires_at")) or _epoch(entry.get("shutdown_date"))
    return Listed(
        entry["id"],
        _lifecycle(entry) or ("deprecated" if ends else "active"),
        _epoch(entry.get("created_at")) or _epoch(entry.get("created")),
        ends,
        tuple(alias for alias in aliases[:_MOST_ALIASES] if _text(alias, LONGEST) and alias != entry["id"])
        if isinstance(aliases, list)
        else (),
    )


def _lifecycle(entry: dict[str, Any]) -> str | None:
    status = entry.get("status")
    loaded = status if isinstance(status, dict) else {}
    state = "failed" if loaded.get("failed") is True else loaded.get("value")
    return _text(entry.get("lifecycle"), _LONGEST_LIFECYCLE) or _text(state, _LONGEST_LIFECYCLE)


def _text(value: Any, longest: int) -> str | None:
    # Refuses control characters, and half of a surrogate pair, which UTF-8 cannot encode.
    return value if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() else None


def _epoch(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        value = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return float(value) if isinstance(value, int | float) and 0 < value < _YEAR_10000 else None
