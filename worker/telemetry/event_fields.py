"""An event's fields as text, for a line of `fallback events` or of a worker's log."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

HEAD = ("type", "provider", "at_ms")
"""Fields that every event has."""

_EMPTY = ("", "0")
_INSTANTS = ("until_ms", "since_ms")


def text(fields: Mapping[str, str]) -> str:
    """Returns the fields that are not empty as `name=value`, instants by ISO 8601."""
    return " ".join(_field(name, value) for name, value in fields.items() if value not in _EMPTY)


def _field(name: str, value: str) -> str:
    if name.endswith(_INSTANTS):
        instant = datetime.fromtimestamp(int(value) / 1000, UTC)
        return f"{name.removesuffix('_ms')}={instant:%Y-%m-%dT%H:%M:%SZ}"
    return f"{name}={value if value.isprintable() and ' ' not in value else json.dumps(value)}"
